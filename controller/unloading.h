// SPDX-License-Identifier: GPL-2.0
// An unload of many names, and of the modules that provided them: what came of it.
#ifndef RACELESS_CONTROLLER_UNLOADING_H
#define RACELESS_CONTROLLER_UNLOADING_H

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "device.h"
#include "holders/registry_holders.h"
#include "state_file.h"

namespace raceless {

// What became of a module that provided a name.
struct ModuleEnd {
  bool removed = false;
  std::string why;  // it was not
  int error = 0;    // what delete_module said; 0: it was not asked
};

struct Unloading {
  std::vector<NameUnloaded> names;
  std::map<std::string, ModuleEnd> modules;
  std::map<std::string, RegistryHolders> holders;  // of names that did not drain in time

  // Every name, and every module that was to be removed.
  [[nodiscard]] bool complete() const;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] nlohmann::json json() const;
};

// The modules that references keep: those of names that do not go, and those that the kernel
// refused to remove.
[[nodiscard]] std::vector<std::string> kept_modules(const Unloading& unloading,
                                                    const StateFile& state);

// Deletes the owner of each name that is down, once, unless that would take down a name that nobody
// asked for. `remove` is delete_module().
[[nodiscard]] std::map<std::string, ModuleEnd> remove_modules(
    const std::vector<NameUnloaded>& names, const StateFile& state,
    const std::function<int(const std::string& module)>& remove);

}  // namespace raceless

#endif
