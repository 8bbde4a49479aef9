// SPDX-License-Identifier: GPL-2.0
// /proc/modules, and the same counts in /sys/module.
#ifndef RACELESS_CONTROLLER_AUDIT_MODULE_LIST_H
#define RACELESS_CONTROLLER_AUDIT_MODULE_LIST_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace raceless {

struct LoadedModule {
  std::uint64_t references = 0;
  std::vector<std::string> users;            // modules that use its symbols
  std::optional<std::uint64_t> sysfs_count;  // /sys/module/NAME/refcnt
};

using ModuleList = std::map<std::string, LoadedModule>;

[[nodiscard]] Result<ModuleList> parse_module_list(std::string_view text);
[[nodiscard]] Result<ModuleList> read_module_list(const std::string& root = "");

}  // namespace raceless

#endif
