// SPDX-License-Identifier: GPL-2.0
#include "trace/module_names.h"

#include <algorithm>

#include "../../bpf/types.h"

namespace raceless {

namespace {

// A process may ask for any name: what is remembered of them is bounded.
constexpr size_t kMaxKnown = 4096;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

}  // namespace

Result<std::vector<std::string>> to_module_names(const std::vector<std::string>& asked) {
  std::vector<std::string> names;
  for (std::string name : asked) {
    if (name.find('/') != std::string::npos || name.find(".ko") != std::string::npos)
      return fail(0, "'" + name + "' is a file; give the module's name, as lsmod prints it");
    if (name.empty() || !std::ranges::all_of(name, is_name_character))
      return fail(0, "'" + name + "' is no module's name; lsmod prints those that are loaded");
    if (name.size() >= RACELESS_MODULE_NAME_SIZE)
      return fail(0, "'" + name + "' is longer than a module's name can be (" +
                         std::to_string(RACELESS_MODULE_NAME_SIZE - 1) + " characters)");
    std::ranges::replace(name, '-', '_');
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

const std::string& AliasNames::look_up(const std::string& name) {
  if (!tried_) {
    tried_ = true;
    if (Result<ModuleLoader> loader = ModuleLoader::create()) loader_.emplace(std::move(*loader));
  }
  if (const auto found = known_.find(name); found != known_.end()) return found->second;
  if (known_.size() >= kMaxKnown) known_.clear();
  std::string& module = known_[name];
  if (loader_) {
    if (const Result<KernelModule> found = loader_->find(name)) module = found->name();
  }
  return module;
}

std::string AliasNames::module_of(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (name.empty()) return name;
  const std::string& module = look_up(name);
  return module.empty() ? name : module;
}

bool AliasNames::is_known(const std::string& module) {
  if (module_state(module) != ModuleState::absent) return true;
  const std::lock_guard lock(mutex_);
  return !look_up(module).empty();
}

}  // namespace raceless
