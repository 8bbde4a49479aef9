// SPDX-License-Identifier: GPL-2.0
// raceless soak
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "clock.h"
#include "command.h"
#include "duration_option.h"
#include "gate/gate_setting.h"
#include "run_folder.h"
#include "signals.h"
#include "soak/page.h"
#include "soak/soak.h"
#include "targets/soaked_targets.h"
#include "terminal.h"
#include "text_file.h"

namespace raceless {

namespace {

constexpr uint64_t kProgressNs = 500 * kNsPerMs;

struct SoakOptions {
  SoakParameters parameters;
  std::string output;
  std::string make_variables;
  std::string gate;  // on or off; as it is if empty
  bool json = false;
  bool needs = false;
  bool expects = false;
  Progress progress = Progress::automatic;
};

Outcome cannot_run(const Error& error) {
  fmt::print(stderr, "raceless: {}\n", error.message());
  return Outcome::cannot_run;
}

// What a harness has to know of all targets together: one line for each.
Outcome print_of_all(const SoakOptions& options) {
  std::set<std::string> lines;
  for (const std::string& name : options.parameters.targets) {
    Parameters parameters;
    parameters.target = name;
    const Result<std::unique_ptr<Target>> target = make_target(parameters);
    if (!target) continue;
    if (options.needs)
      for (const std::string& module : (*target)->needs()) lines.insert(module);
    if (options.expects && !(*target)->expected_message().empty())
      lines.insert((*target)->expected_message());
  }
  for (const std::string& line : lines) fmt::print("{}\n", line);
  return Outcome::passed;
}

Outcome report(const SoakOptions& options, const SoakHead& head, const SoakRecord& record) {
  const Judgement judgement = judge(record);
  const std::string page = soak_page(head, record, judgement);
  const std::string text = soak_json(head, record, judgement)
                               .dump(1, ' ', false, nlohmann::json::error_handler_t::replace) +
                           "\n";
  const std::string& folder = options.parameters.folder;
  Status written = write_text(folder + "/soak.json", text);
  if (written) written = write_text(folder + "/soak.txt", page);
  if (!written) (void)cannot_run(written.error());
  fmt::print("{}", options.json ? text : page);
  if (!options.json && written && !is_harness_folder(folder))
    fmt::print("run folder: {}\n", folder);
  std::fflush(stdout);
  if (!passed(record, judgement)) return Outcome::failed;
  return written ? Outcome::passed : Outcome::cannot_run;
}

Outcome run_soak(SoakOptions options) {
  SoakParameters& parameters = options.parameters;
  for (const std::string& name : parameters.targets) {
    Parameters storm;
    storm.target = name;
    if (const auto target = make_target(storm); !target) {
      fmt::print(stderr, "raceless: {}\n", target.error().message());
      return Outcome::usage;
    }
  }
  if (options.needs || options.expects) return print_of_all(options);
  SoakHead head{current_context(), parameters.seed, parameters.duration_ns, options.make_variables};
  parameters.folder = options.output.empty() ? default_run_folder(head.context) : options.output;
  if (geteuid() != 0)
    return cannot_run({EPERM, "a soak loads and unloads modules; needs root, or use make soak"});
  if (const Status made = make_run_folder(parameters.folder); !made)
    return cannot_run(made.error());
  const Result<Signals> signals = Signals::catch_all(say_what_stays);
  if (!signals) return cannot_run(signals.error());
  std::optional<GateSetting> gate;
  if (!options.gate.empty()) {
    Result<GateSetting> set = GateSetting::set(options.gate == "on");
    if (!set) return cannot_run(set.error());
    gate.emplace(std::move(*set));
    head.context.gate = options.gate == "on";
  }

  ProgressLine line(options.progress);
  uint64_t shown_ns = 0;
  Soak::Listener listener;
  listener.sample = [&](const std::string& target, uint64_t round, const Sample& sample) {
    if (!line.enabled() || now_ns() < shown_ns + kProgressNs) return;
    shown_ns = now_ns();
    line.show(fmt::format("round {}, {}: {} uses, {} lifecycles", round + 1, target,
                          get(sample.counts, Count::uses), get(sample.counts, Count::unloads)));
  };
  // Also where nobody watches: an hour without a word looks like a hang.
  listener.round = [&](uint64_t round, const SoakRecord& record) {
    line.clear();
    tell(fmt::format("raceless: round {} is over: {} lifecycles, {} storms failed\n", round + 1,
                     record.lifecycles(), record.failed.size()));
  };
  Soak soak(parameters, listener);
  const SoakRecord record = soak.run(*signals);
  line.clear();
  return report(options, head, record);
}

}  // namespace

RunCommand add_soak(CLI::App& app) {
  auto options = std::make_shared<SoakOptions>();
  SoakParameters& parameters = options->parameters;
  parameters.targets = soaked_targets();
  app.add_option("-t,--target", parameters.targets, "these alone (can be repeated)");
  add_duration(
      app, "-d,--duration", "how long in all", [&](uint64_t ns) { parameters.duration_ns = ns; },
      "1h");
  add_duration(
      app, "--turn", "how long each storm", [&](uint64_t ns) { parameters.turn_ns = ns; },
      "a dozen of each target, of 2 to 60 s");
  app.add_option("--rounds", parameters.rounds, "no more than so many turns of each target")
      ->type_name("N");
  app.add_option("-s,--seed", parameters.seed, "the seeds of all storms follow from it")
      ->capture_default_str();
  app.add_option("--leak-check", parameters.leak_check_unloads,
                 "in each storm too, as raceless storm has it (never)")
      ->type_name("UNLOADS");
  app.add_option("--gate", options->gate, "with the gate on or off (as it is)")
      ->check(CLI::IsMember({"on", "off"}));
  app.add_option("--trace-every", parameters.trace_every,
                 "watch with eBPF in the first round and each so many; 0: never")
      ->type_name("ROUNDS")
      ->capture_default_str();
  app.add_option("-o,--output", options->output,
                 "folder of soak.json and soak.txt (else $RACELESS_RESULTS, else runs/TIME)");
  app.add_option("--make-variables", options->make_variables,
                 "name these too in the command that repeats a storm");
  app.add_flag("--json", options->json, "print soak.json instead of the page");
  app.add_flag("--needs", options->needs,
               "print the modules of the kernel that the targets need, and do nothing");
  app.add_flag("--expects", options->expects,
               "print patterns of the kernel messages that the targets provoke, and do nothing");
  const std::map<std::string, Progress> progress = {
      {"auto", Progress::automatic}, {"always", Progress::always}, {"never", Progress::never}};
  app.add_option("--progress", options->progress, "auto (on a terminal), always or never")
      ->transform(CLI::CheckedTransformer(progress, CLI::ignore_case).description(""));
  app.footer(
      "A storm that fails stops nothing, and fails the soak. The first Ctrl-C ends it with its "
      "page.");
  return [options] { return run_soak(*options); };
}

}  // namespace raceless
