// SPDX-License-Identifier: GPL-2.0
// Names of modules: as the user writes them, as the kernel has them, and what asks for them.
#ifndef RACELESS_CONTROLLER_TRACE_MODULE_NAMES_H
#define RACELESS_CONTROLLER_TRACE_MODULE_NAMES_H

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "module_loader.h"
#include "result.h"

namespace raceless {

// "snd-hda" is snd_hda, each once. An error names the one that cannot be a module's.
[[nodiscard]] Result<std::vector<std::string>> to_module_names(
    const std::vector<std::string>& asked);

// Which module an alias stands for on this machine ("fs-configfs" is configfs). Safe from any
// thread.
class AliasNames {
 public:
  // The name itself if it is a module's, or if nothing provides it.
  [[nodiscard]] std::string module_of(const std::string& name);
  // Is it loaded, or is there a file for it?
  [[nodiscard]] bool is_known(const std::string& module);

 private:
  const std::string& look_up(const std::string& name);

  std::mutex mutex_;
  std::optional<ModuleLoader> loader_;
  bool tried_ = false;
  std::map<std::string, std::string> known_;  // "" for what nothing provides
};

}  // namespace raceless

#endif
