// SPDX-License-Identifier: GPL-2.0
// raceless SUBCOMMAND: parses the command line and dispatches.
#include <fmt/format.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "command.h"

namespace {

struct Command {
  const char* name;
  const char* summary;
  raceless::AddCommand add;
};

constexpr std::array<Command, 12> kCommands = {{
    {"storm", "load, unload and use a module from many threads, and give a verdict",
     raceless::add_storm},
    {"soak", "storm all targets in turn for a long time, and say what grows meanwhile",
     raceless::add_soak},
    {"policies", "storm one resource under each lifecycle policy, and compare them",
     raceless::add_policies},
    {"unload", "take names down together, remove their modules, say who is in the way",
     raceless::add_unload},
    {"doctor", "say what this kernel and this user can do, and what to do about the rest",
     raceless::add_doctor},
    {"audit", "compare what the registry counted with what the kernel counted without it",
     raceless::add_audit},
    {"load", "load a provider's module; or replace the one that provides a name, under load",
     raceless::add_load},
    {"trace", "show loads, unloads, failed gets and calls of modules as they happen; export them",
     raceless::add_trace},
    {"holders", "say who holds references on a module or provider, and what to do about each",
     raceless::add_holders},
    {"gate",
     "let who needs a module wait while it is unloaded, instead of failing; on, off, status",
     raceless::add_gate},
    {"perturb",
     "run a command while tasks are stopped, held and moved at random, by a BPF scheduler",
     raceless::add_perturb},
    {"report", "make a page of runs and benchmarks; or print what changed between two",
     raceless::add_report},
}};

constexpr int kUsage = 2;

std::string list_commands() {
  std::string list;
  for (const Command& command : kCommands)
    list += fmt::format("  {:<8} {}\n", command.name, command.summary);
  return list;
}

// CLI11 would only say that a subcommand is required.
bool names_command(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first.starts_with('-')) return true;
  for (const Command& command : kCommands)
    if (first == command.name) return true;
  fmt::print(stderr, "raceless: {}; the subcommands are:\n{}",
             first.empty() ? "a subcommand is needed" : fmt::format("there is no '{}'", first),
             list_commands());
  return false;
}

int exit_code(raceless::Outcome outcome) {
  switch (outcome) {
    case raceless::Outcome::passed:
      return 0;
    case raceless::Outcome::failed:
      return 1;
    case raceless::Outcome::usage:
      return kUsage;
    case raceless::Outcome::cannot_run:
      break;
  }
  return 4;
}

// What was buffered is lost without a word otherwise.
int written(int code) {
  if (code != 0 || (std::fflush(stdout) == 0 && std::ferror(stdout) == 0)) return code;
  (void)std::fputs("raceless: cannot write the output\n", stderr);
  return exit_code(raceless::Outcome::cannot_run);
}

}  // namespace

int main(int argc, char** argv) {
  // Whoever reads our output may leave; the storm still has to clean up.
  std::signal(SIGPIPE, SIG_IGN);
  if (!names_command(argc, argv)) return kUsage;
  CLI::App app("makes unloading a kernel module safe under fire, and shows that it is", "raceless");
  app.require_subcommand(1);
  app.footer("Exit codes: 0 pass, 1 fail, 2 usage, 4 cannot run here.");
  std::vector<std::pair<CLI::App*, raceless::RunCommand>> commands;
  for (const Command& command : kCommands) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    commands.emplace_back(sub, command.add(*sub));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    const bool in_command = argv[1][0] != '-';
    fmt::print(stderr, "raceless: {}; see raceless {}--help\n", error.what(),
               in_command ? std::string(argv[1]) + " " : "");
    return kUsage;
  }
  try {
    for (const auto& [sub, run] : commands)
      if (sub->parsed()) return written(exit_code(run()));
  } catch (const std::system_error& error) {
    // fmt's, when nobody reads us any more or the disk is full. Everything was cleaned up on the
    // way here.
    (void)std::fputs(fmt::format("raceless: cannot write the output: {}\n", error.what()).c_str(),
                     stderr);
    return exit_code(raceless::Outcome::cannot_run);
  }
  return kUsage;
}
