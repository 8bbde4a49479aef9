// SPDX-License-Identifier: GPL-2.0
// Who holds references on a name: descriptors exactly (/proc/raceless_holders), the rest as a
// number.
#ifndef RACELESS_CONTROLLER_HOLDERS_REGISTRY_HOLDERS_H
#define RACELESS_CONTROLLER_HOLDERS_REGISTRY_HOLDERS_H

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"
#include "state_file.h"

namespace raceless {

// The process that opened a descriptor, and how many references go through its descriptors.
struct RegistryHolder {
  uint64_t pid = 0;
  std::string comm;
  uint64_t references = 0;
};

struct RegistryHolders {
  std::vector<RegistryHolder> descriptors;  // by pid
  uint64_t in_kernel = 0;

  // "3 references: python3[812] 2, 1 in the kernel"
  [[nodiscard]] std::string text() const;
};

// By name; of the file's text.
[[nodiscard]] Result<std::map<std::string, RegistryHolders>> parse_registry_holders(
    std::string_view text);

// Of one name, which `state` says how many references there are on.
[[nodiscard]] Result<RegistryHolders> registry_holders_of(const std::string& name,
                                                          const StateFile& state,
                                                          const std::string& root = "");

}  // namespace raceless

#endif
