// SPDX-License-Identifier: GPL-2.0
// What a user means by a name: a loaded module, or a provider and the module that provides it.
#ifndef RACELESS_CONTROLLER_HOLDERS_SUBJECT_H
#define RACELESS_CONTROLLER_HOLDERS_SUBJECT_H

#include <functional>
#include <string>
#include <vector>

#include "result.h"

namespace raceless {

struct Subject {
  std::string module;                  // the kernel's name for it
  std::vector<std::string> providers;  // all that it provides
};

// What modules this machine has, loaded or not.
struct InstalledModules {
  std::function<std::string(const std::string& name)> module_of;  // of an alias; else the name
  std::function<bool(const std::string& module)> has;
};

// A module, else a provider. The error says what the name is instead (built in, an alias, not
// loaded), or which one may have been meant.
[[nodiscard]] Result<Subject> find_subject(const std::string& asked,
                                           const InstalledModules& installed,
                                           const std::string& root = "");

// A module that is loaded.
[[nodiscard]] Result<Subject> find_loaded(const std::string& module, const std::string& root = "");

// The nearest of `names`, by letters that are changed, missing or too many; "" if none is near.
[[nodiscard]] std::string nearest(const std::string& asked, const std::vector<std::string>& names);

}  // namespace raceless

#endif
