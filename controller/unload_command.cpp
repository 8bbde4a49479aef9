// SPDX-License-Identifier: GPL-2.0
// raceless unload
#include <fmt/format.h>
#include <poll.h>

#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "clock.h"
#include "command.h"
#include "device.h"
#include "duration.h"
#include "holders/survey.h"
#include "module_loader.h"
#include "signals.h"
#include "unloading.h"

namespace raceless {

namespace {

struct UnloadOptions {
  std::vector<std::string> names;
  bool hold = false;
  bool polite = false;
  bool keep_module = false;
  bool json = false;
  bool why = false;
  uint64_t timeout_ns = 0;
  uint64_t duration_ns = 0;
};

Outcome say(const Error& error, Outcome outcome) {
  fmt::print(stderr, "raceless: {}\n", error.message());
  return outcome;
}

Status check(const UnloadOptions& options) {
  std::set<std::string> seen;
  for (const std::string& name : options.names) {
    if (Status good = check_provider_name(name); !good) return good;
    if (!seen.insert(name).second) return fail(EINVAL, name + " is named twice");
  }
  if (options.names.size() > RACELESS_MAX_HOLDS_PER_FD)
    return fail(EMFILE, fmt::format("{} names at once; at most {} can be unloaded together",
                                    options.names.size(), RACELESS_MAX_HOLDS_PER_FD));
  if (options.duration_ns > 0 && !options.hold)
    return fail(EINVAL, "--duration is how long to hold the names; it needs --hold");
  return {};
}

// Their holds keep the names down while the modules go.
Result<Unloading> unload(Device& device, const UnloadOptions& options) {
  const uint32_t flags =
      (options.hold ? RACELESS_UNLOAD_HOLD : 0) | (options.polite ? RACELESS_UNLOAD_POLITE : 0);
  Result<std::vector<NameUnloaded>> names =
      device.unload_many(options.names, options.timeout_ns, flags);
  if (!names) return tl::unexpected(names.error());
  Unloading unloading{std::move(*names), {}, {}};
  const Result<StateFile> state = StateFile::read();
  if (!state) return tl::unexpected(state.error());
  for (const NameUnloaded& name : unloading.names) {
    if (name.error != ETIMEDOUT) continue;
    Result<RegistryHolders> holders = registry_holders_of(name.name, *state);
    if (holders)
      unloading.holders[name.name] = std::move(*holders);
    else
      say(holders.error(), Outcome::cannot_run);  // the modules of the others go all the same
  }
  if (!options.keep_module)
    unloading.modules = remove_modules(unloading.names, *state, delete_module);
  return unloading;
}

// Who keeps the modules that are left; by module.
Result<std::map<std::string, Answer>> ask_why(const Unloading& unloading) {
  std::map<std::string, Answer> answers;
  const Result<StateFile> state = StateFile::read();
  if (!state) return tl::unexpected(state.error());
  for (const std::string& module : kept_modules(unloading, *state)) {
    Result<Subject> subject = find_loaded(module);
    if (!subject) continue;  // it has gone meanwhile
    const Result<std::unique_ptr<Survey>> survey = Survey::open(std::move(*subject), false);
    if (!survey) return tl::unexpected(survey.error());
    Result<Answer> answer = (*survey)->answer();
    if (!answer) return tl::unexpected(answer.error());
    answers.emplace(module, std::move(*answer));
  }
  return answers;
}

// What has happened is shown, whoever cannot be asked why.
void show(const Unloading& unloading, const UnloadOptions& options) {
  Result<std::map<std::string, Answer>> answers;
  if (options.why) answers = ask_why(unloading);
  if (options.json) {
    nlohmann::json all = unloading.json();
    if (!answers) all["why"] = nullptr;
    for (const auto& [module, answer] : answers.value_or(std::map<std::string, Answer>()))
      all["why"][module] = answer.json();
    fmt::print("{}\n", all.dump(1, '\t', false, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print("{}", unloading.text());
    for (const auto& [module, answer] : answers.value_or(std::map<std::string, Answer>()))
      fmt::print("\n{}", answer.text());
  }
  if (!answers)
    say({answers.error().code, "--why: " + answers.error().context}, Outcome::cannot_run);
}

// Until a signal comes, or the time is over.
void hold(const Signals& signals, uint64_t duration_ns) {
  pollfd event{signals.fd(), POLLIN, 0};
  const uint64_t ms = duration_ns / kNsPerMs;
  const auto longest = static_cast<uint64_t>(std::numeric_limits<int>::max());
  poll(&event, 1, duration_ns == 0 ? -1 : static_cast<int>(std::min(ms, longest)));
}

Outcome run(const UnloadOptions& options) {
  if (Status good = check(options); !good) return say(good.error(), Outcome::usage);
  Result<Device> device = Device::open();
  if (!device) return say(device.error(), Outcome::cannot_run);
  const Result<Unloading> unloading = unload(*device, options);
  if (!unloading) return say(unloading.error(), Outcome::cannot_run);
  show(*unloading, options);
  if (options.hold) {
    // Not before: whoever is killed in the unload leaves it to the kernel's worker.
    Result<Signals> signals = Signals::catch_all();
    if (!signals) return say(signals.error(), Outcome::cannot_run);
    fflush(stdout);
    fmt::print(stderr, "raceless: the names are held down; Ctrl-C lets them go\n");
    hold(*signals, options.duration_ns);
  }
  return unloading->complete() ? Outcome::passed : Outcome::failed;
}

void add_duration(CLI::App& app, const std::string& name, const std::string& help, uint64_t& ns) {
  app.add_option_function<std::string>(
         name,
         [&ns, name](const std::string& text) {
           const Result<uint64_t> parsed = parse_duration(text);
           if (!parsed) throw CLI::ValidationError(name, parsed.error().message());
           ns = *parsed;
         },
         help)
      ->type_name("TIME");
}

}  // namespace

RunCommand add_unload(CLI::App& app) {
  auto options = std::make_shared<UnloadOptions>();
  options->timeout_ns = 30 * kNsPerSecond;
  app.add_option("NAME", options->names, "what a module provides, as in /proc/raceless")
      ->required();
  app.add_flag("--hold", options->hold, "keep the names down afterwards, until a signal");
  add_duration(app, "--duration", "with --hold: or for so long", options->duration_ns);
  app.add_flag("--polite", options->polite, "wait for a normal grace period, not an expedited one");
  add_duration(app, "--timeout", "for all of them together (30s)", options->timeout_ns);
  app.add_flag("--keep-module", options->keep_module,
               "only take the names down; who asks for one has the module init it again");
  app.add_flag("--why", options->why, "say who holds what is left, as raceless holders does");
  app.add_flag("--json", options->json, "for programs");
  app.footer(
      "All names share one grace period, and none waits for another's references. Each module is\n"
      "removed once, unless it provides names that were not given. When the time is up, those who\n"
      "hold references are named; the kernel goes on with the unload, and the name comes back\n"
      "afterwards when somebody asks for it. Exits with 1 if a name or a module is left.");
  return [options] { return run(*options); };
}

}  // namespace raceless
