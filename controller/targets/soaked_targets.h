// SPDX-License-Identifier: GPL-2.0
// The targets that a soak takes in turn: of every kind at least one.
#ifndef RACELESS_CONTROLLER_TARGETS_SOAKED_TARGETS_H
#define RACELESS_CONTROLLER_TARGETS_SOAKED_TARGETS_H

#include <string>
#include <vector>

namespace raceless {

// All but module:PATH, which needs a module of the user's.
[[nodiscard]] std::vector<std::string> soaked_targets();

}  // namespace raceless

#endif
