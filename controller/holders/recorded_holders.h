// SPDX-License-Identifier: GPL-2.0
// Holders that files of /proc and /sys tell, without BPF.
#ifndef RACELESS_CONTROLLER_HOLDERS_RECORDED_HOLDERS_H
#define RACELESS_CONTROLLER_HOLDERS_RECORDED_HOLDERS_H

#include <string>
#include <string_view>
#include <vector>

#include "holders/holder.h"
#include "result.h"
#include "state_file.h"

namespace raceless {

// Modules that need it: each has one reference.
[[nodiscard]] std::vector<Holder> dependents_of(const std::string& module,
                                                const std::string& root = "");

// Of the module loop: each disk that has a file behind it has one.
[[nodiscard]] std::vector<Holder> backed_disks_of(const std::string& module,
                                                  const std::string& root = "");

// What descriptors of /dev/raceless hold of what it provides, with one reference each: of
// /proc/raceless and /proc/raceless_holders.
[[nodiscard]] Result<std::vector<Holder>> descriptors_of(const std::string& module,
                                                         const StateFile& registry,
                                                         std::string_view holders);

// All of these.
[[nodiscard]] Result<std::vector<Holder>> recorded_holders_of(const std::string& module,
                                                              const std::string& root = "");

}  // namespace raceless

#endif
