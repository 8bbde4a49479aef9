// SPDX-License-Identifier: GPL-2.0
// A command-line option with a unit: "30s".
#ifndef RACELESS_CONTROLLER_DURATION_OPTION_H
#define RACELESS_CONTROLLER_DURATION_OPTION_H

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>

namespace raceless {

// `set` gets nanoseconds.
void add_duration(CLI::App& app, const std::string& name, const std::string& what,
                  const std::function<void(uint64_t)>& set, const std::string& shown_default);

}  // namespace raceless

#endif
