// SPDX-License-Identifier: GPL-2.0
// One module that is loaded and unloaded by itself: what all targets but the registry's share.
#ifndef RACELESS_CONTROLLER_TARGETS_MODULE_CYCLE_H
#define RACELESS_CONTROLLER_TARGETS_MODULE_CYCLE_H

#include <functional>
#include <string>

#include "module_loader.h"
#include "storm/findings.h"
#include "storm/tally.h"

namespace raceless {

// One load, or one delete_module, counted in the tally of a loader or unloader. 0 or an errno.
int load_and_count(const std::function<int()>& load, Tally& tally);
int load_and_count(KernelModule& module, Tally& tally);
int delete_and_count(const std::string& module, Tally& tally);

// Unloads a module that nobody uses any more, trying for as long as it may take, and counting.
[[nodiscard]] Status rest_module(const std::string& module, Tally& tally);

// Loads of a module that nobody but a request for it can have made.
[[nodiscard]] uint64_t loads_by_request(const Counts& totals, bool loaded_before, bool loaded_now);

// Nobody uses the module any more: it must be possible to unload it, load it, and unload it again.
void check_module_cycles(KernelModule& module, Findings& findings);

}  // namespace raceless

#endif
