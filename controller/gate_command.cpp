// SPDX-License-Identifier: GPL-2.0
// raceless gate
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "command.h"
#include "gate/gate.h"
#include "gate/gate_state.h"

namespace raceless {

namespace {

struct GateOptions {
  std::string what;
  bool json = false;
};

Outcome cannot_run(const Error& error) {
  fmt::print(stderr, "raceless: {}\n", error.message());
  return Outcome::cannot_run;
}

Outcome show(const GateOptions& options) {
  const Result<GateState> state = GateState::read();
  if (!state && state.error().code != ENOENT) return cannot_run(state.error());
  if (!state) {
    if (options.json)
      fmt::print("{}\n", nlohmann::json{{"on", false}, {"programs", 0}}.dump(1, '\t'));
    else
      fmt::print("gate           off, raceless.ko is not loaded\n");
  } else if (options.json) {
    fmt::print("{}\n", state->json(Gate::programs()).dump(1, '\t'));
  } else {
    fmt::print("{}", state->text(Gate::programs()));
  }
  return Outcome::passed;
}

Outcome run(const GateOptions& options) {
  if (options.what == "status") return show(options);
  if (options.what == "off") {
    if (Status off = Gate::turn_off(); !off) return cannot_run(off.error());
    return Outcome::passed;
  }
  const Result<std::vector<std::string>> missing = Gate::turn_on();
  if (!missing) return cannot_run(missing.error());
  for (const std::string& what : *missing) fmt::print(stderr, "raceless: without {}\n", what);
  return Outcome::passed;
}

}  // namespace

RunCommand add_gate(CLI::App& app) {
  auto options = std::make_shared<GateOptions>();
  app.add_option("WHAT", options->what, "on, off or status")
      ->required()
      ->check(CLI::IsMember({"on", "off", "status"}));
  app.add_flag("--json", options->json, "with status: for programs");
  app.footer(
      "While it is on, a mount, socket, bind, setsockopt or module load that fails because of a\n"
      "module that is being unloaded waits until that is over, and is restarted unseen. It stays "
      "on\n"
      "until it is turned off. docs/gate.md says what it cannot reach.");
  return [options] { return run(*options); };
}

}  // namespace raceless
