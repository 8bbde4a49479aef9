// SPDX-License-Identifier: GPL-2.0
// Parameters for every load of a module, whoever loads it: an `options` line for modprobe.
#ifndef RACELESS_CONTROLLER_MODULE_OPTIONS_H
#define RACELESS_CONTROLLER_MODULE_OPTIONS_H

#include <string>

#include "result.h"

namespace raceless {

// Writes the line under /run/modprobe.d, and removes it again. No options: no line, not even of a
// storm that was killed.
class ModuleOptions {
 public:
  [[nodiscard]] static Result<ModuleOptions> set(const std::string& module,
                                                 const std::string& options,
                                                 const std::string& root = "");
  ~ModuleOptions();
  ModuleOptions(ModuleOptions&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  ModuleOptions& operator=(ModuleOptions&&) = delete;

 private:
  explicit ModuleOptions(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace raceless

#endif
