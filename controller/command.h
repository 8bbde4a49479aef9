// SPDX-License-Identifier: GPL-2.0
// The subcommands: one file each, and one table of them in main.cpp.
#ifndef RACELESS_CONTROLLER_COMMAND_H
#define RACELESS_CONTROLLER_COMMAND_H

#include <CLI/CLI.hpp>
#include <functional>

namespace raceless {

// What a command comes to. main() alone turns it into an exit code.
enum class Outcome {
  passed,
  failed,      // an invariant broke, or the kernel complained
  usage,       // what was asked for makes no sense
  cannot_run,  // not here: something is missing, and the message has said what
};

using RunCommand = std::function<Outcome()>;

// Adds the command's options to `app`, and returns what runs it after they were parsed.
using AddCommand = RunCommand (*)(CLI::App& app);

RunCommand add_storm(CLI::App& app);
RunCommand add_soak(CLI::App& app);
RunCommand add_policies(CLI::App& app);
RunCommand add_unload(CLI::App& app);
RunCommand add_doctor(CLI::App& app);
RunCommand add_audit(CLI::App& app);
RunCommand add_load(CLI::App& app);
RunCommand add_gate(CLI::App& app);
RunCommand add_report(CLI::App& app);
RunCommand add_trace(CLI::App& app);
RunCommand add_holders(CLI::App& app);
RunCommand add_perturb(CLI::App& app);

}  // namespace raceless

#endif
