// SPDX-License-Identifier: GPL-2.0
// Replacing the module that provides a name while others use the name: through unload and load, in
// which gets wait for both, or side by side, in which nobody waits (docs/replacement.md).
#ifndef RACELESS_CONTROLLER_REPLACEMENT_H
#define RACELESS_CONTROLLER_REPLACEMENT_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "device.h"
#include "module_loader.h"
#include "result.h"

namespace raceless {

enum class ReplaceWay { through, side_by_side };
[[nodiscard]] const char* way_name(ReplaceWay way);

// What was asked for. The new module is not loaded yet.
struct Replacement {
  std::string provider;  // the name
  std::string options;   // parameters of the new module
  uint64_t timeout_ns = 0;
};

// What was done, also by one that failed: errnos of the calls in their order, 0 for success.
struct ReplaceSteps {
  std::optional<int> unload;  // RACELESS_IOC_UNLOAD
  Unloaded unloaded;
  std::vector<int> deletes;  // of the old module
  std::optional<int> load;   // of the new one
  std::string old_module;
  uint64_t unload_ns = 0;  // through: the ioctl and delete_module
  uint64_t load_ns = 0;
  uint64_t retire_ns = 0;  // side by side: from the end of the load until the old module was gone
  uint64_t publish = 0;    // of the new instance
};

// Who provides the name now. An error: nobody does.
struct Provided {
  std::string module;
  uint64_t instance = 0;
};
[[nodiscard]] Result<Provided> provided(const std::string& provider);

// An error says what serves the name now, if anything does.
[[nodiscard]] Status replace_through(Device& device, KernelModule& next,
                                     const Replacement& replacement, ReplaceSteps& steps);
[[nodiscard]] Status replace_side_by_side(KernelModule& next, const Replacement& replacement,
                                          ReplaceSteps& steps);

}  // namespace raceless

#endif
