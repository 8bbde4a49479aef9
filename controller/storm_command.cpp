// SPDX-License-Identifier: GPL-2.0
// raceless storm
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "clock.h"
#include "command.h"
#include "duration_option.h"
#include "gate/gate_setting.h"
#include "run_folder.h"
#include "signals.h"
#include "storm/check_numbers.h"
#include "storm/gate_effect.h"
#include "storm/plan_text.h"
#include "storm/report.h"
#include "storm/storm.h"
#include "terminal.h"

namespace raceless {

namespace {

constexpr uint64_t kProgressNs = 500 * kNsPerMs;

struct StormOptions {
  Parameters parameters;
  std::optional<uint64_t> leak_check_unloads;
  std::string output;
  std::string gate;            // on, off, both; as it is if empty
  uint64_t baseline_uses = 0;  // as max_uses, without the gate
  uint64_t print_plan = 0;
  bool json = false;
  bool needs = false;
  bool expects = false;
  Progress progress = Progress::automatic;
};

void print_error(const std::string& message) { fmt::print(stderr, "raceless: {}\n", message); }

Status can_run() {
  if (geteuid() == 0) return {};
  return fail(EPERM, "a storm loads and unloads modules; needs root, or use make vm-shell");
}

Outcome report(const StormOptions& options, const Context& context, const std::string& folder,
               StormResult& result) {
  check_numbers(context, options.parameters, result);
  const nlohmann::json run = run_json(context, options.parameters, result);
  const Status written = write_run(folder, run, options.parameters, result);
  if (!written) print_error(written.error().message());
  if (options.json) {
    fmt::print("{}", run_text(run));
  } else {
    fmt::print("{}", summary_text(context, options.parameters, result));
    if (written && !is_harness_folder(folder)) fmt::print("run folder: {}\n", folder);
  }
  std::fflush(stdout);
  if (!result.passed()) return Outcome::failed;
  // Whoever brings a module wants to know whether it survives rmmod.
  if (options.parameters.target.starts_with("module:") && result.used_in_vain()) {
    print_error(
        "no run of the workload succeeded, so this storm says nothing of the module; it was away "
        "each time: give it more time, more --loaders, or an --unload-interval");
    return Outcome::cannot_run;
  }
  if (options.parameters.target.starts_with("module:") && result.unloaded_nothing()) {
    print_error(
        "nothing was unloaded, so this storm says nothing of the module; it was in use, or away, "
        "at each try: give it more time, fewer --consumers, or a shorter workload");
    return Outcome::cannot_run;
  }
  return written ? Outcome::passed : Outcome::cannot_run;
}

Outcome cannot_run(const Error& error) {
  print_error(error.message());
  return Outcome::cannot_run;
}

struct Finished {
  Outcome outcome = Outcome::cannot_run;
  std::unique_ptr<StormResult> result;  // none if it could not run
};

// One storm, with its run.json in `folder`.
Finished storm_once(const StormOptions& options, const std::string& folder,
                    const Signals& signals) {
  Result<std::unique_ptr<Target>> target = make_target(options.parameters);
  if (!target) return {cannot_run(target.error()), nullptr};
  if (const Status made = make_run_folder(folder); !made)
    return {cannot_run(made.error()), nullptr};
  const bool is_gated = (*target)->is_gated();
  Result<std::unique_ptr<Storm>> storm = Storm::prepare(options.parameters, std::move(*target));
  if (!storm) return {cannot_run(storm.error()), nullptr};
  const Context context = current_context();
  std::optional<GateEffect> gate;
  if (context.gate) {
    const Result<GateEffect> begun = GateEffect::begin();
    if (!begun) return {cannot_run(begun.error()), nullptr};
    gate = *begun;
  }

  std::unique_ptr<StormResult> result;
  {
    ProgressLine line(options.progress);
    uint64_t shown_ns = 0;
    result = (*storm)->run(signals, [&](const Sample& sample) {
      if (!line.enabled() || sample.time_ns < shown_ns + kProgressNs) return;
      shown_ns = sample.time_ns;
      line.show(progress_text(options.parameters, sample));
    });
  }
  if (gate) gate->end(is_gated, *result);
  const Outcome outcome = report(options, context, folder, *result);
  // A thread that is stuck in the kernel still uses the storm's memory.
  if (result->stuck) (void)storm->release();
  return {outcome, std::move(result)};
}

Finished storm_with_gate(const StormOptions& options, bool on, const std::string& folder,
                         const Signals& signals) {
  const Result<GateSetting> setting = GateSetting::set(on);
  if (!setting) return {cannot_run(setting.error()), nullptr};
  return storm_once(options, folder, signals);
}

// The same storm without the gate and with it.
Outcome storm_twice(const StormOptions& options, const std::string& folder,
                    const Signals& signals) {
  StormOptions baseline = options;
  if (options.baseline_uses != 0) baseline.parameters.max_uses = options.baseline_uses;
  const Finished off = storm_with_gate(baseline, false, folder + "/off", signals);
  if (!off.result || off.result->stuck) return off.outcome;
  if (off.result->interrupted) {
    print_error("interrupted: there was no storm with the gate");
    return off.outcome == Outcome::passed ? Outcome::cannot_run : off.outcome;
  }
  const Finished on = storm_with_gate(options, true, folder + "/on", signals);
  if (!on.result) return on.outcome;
  if (!options.json) fmt::print("\n{}", gate_comparison(*off.result, *on.result));
  return off.outcome == Outcome::passed ? on.outcome : off.outcome;
}

Outcome run_storm(StormOptions options) {
  const Result<std::unique_ptr<Target>> target = make_target(options.parameters);
  if (!target) {
    print_error(target.error().message());
    return Outcome::usage;
  }
  options.parameters.leak_check_unloads =
      options.leak_check_unloads.value_or((*target)->default_leak_check());
  if (options.needs) {
    for (const std::string& module : (*target)->needs()) fmt::print("{}\n", module);
    return Outcome::passed;
  }
  if (options.expects) {
    const std::string message = (*target)->expected_message();
    if (!message.empty()) fmt::print("{}\n", message);
    return Outcome::passed;
  }
  if (options.print_plan != 0) {
    fmt::print("{}", plan_text(options.parameters, **target, options.print_plan));
    return Outcome::passed;
  }
  const std::string folder =
      options.output.empty() ? default_run_folder(current_context()) : options.output;
  if (const Status able = can_run(); !able) return cannot_run(able.error());
  const Result<Signals> signals = Signals::catch_all(say_what_stays);
  if (!signals) return cannot_run(signals.error());
  if (options.gate == "both") return storm_twice(options, folder, *signals);
  if (options.gate.empty()) return storm_once(options, folder, *signals).outcome;
  return storm_with_gate(options, options.gate == "on", folder, *signals).outcome;
}

void add_crew(CLI::App& app, Parameters& parameters, Role role, const std::string& interval) {
  const auto index = static_cast<size_t>(role);
  const std::string name(role_name(role));
  app.add_option("--" + name + "s", parameters.threads[index], "how many " + name + " threads")
      ->check(CLI::Range(0U, kMaxThreads));
  add_duration(
      app, "--" + interval + "-interval", "pause of a " + name + " before each operation",
      [&parameters, index](uint64_t ns) { parameters.interval_ns[index] = ns; }, "");
}

}  // namespace

RunCommand add_storm(CLI::App& app) {
  auto options = std::make_shared<StormOptions>();
  Parameters& parameters = options->parameters;
  app.add_option("-t,--target", parameters.target, "what to storm; see below")->required();
  add_duration(
      app, "-d,--duration", "how long", [&](uint64_t ns) { parameters.duration_ns = ns; }, "30s");
  app.add_option("--uses", parameters.max_uses, "end as soon as consumers made so many uses")
      ->type_name("N");
  app.add_option("-s,--seed", parameters.seed, "the plan of all threads follows from it")
      ->capture_default_str();
  add_crew(app, parameters, Role::loader, "load");
  add_crew(app, parameters, Role::unloader, "unload");
  add_crew(app, parameters, Role::consumer, "use");
  add_duration(
      app, "--timeout", "of each get and unload of the registry",
      [&](uint64_t ns) { parameters.timeout_ns = ns; }, "30s");
  add_duration(
      app, "--stuck-after", "an operation that takes longer breaks a promise",
      [&](uint64_t ns) {
        if (ns == 0) throw CLI::ValidationError("--stuck-after: needs a time, as in 60s");
        parameters.stuck_after_ns = ns;
      },
      "60s");
  app.add_option("--leak-check", options->leak_check_unloads,
                 "rest after so many unloads, and compare what the kernel holds; 0: never")
      ->type_name("UNLOADS");
  app.add_option("-w,--workload", parameters.workload,
                 "with module:PATH: a shell command that uses the module once");
  app.add_option("--module-options", parameters.module_options,
                 "parameters for each load of the module, as in 'a=1 b=2'");
  app.add_option("--gate", options->gate,
                 "with the gate on or off, or both, one after the other (as it is)")
      ->check(CLI::IsMember({"on", "off", "both"}));
  app.add_option("--baseline-uses", options->baseline_uses,
                 "with --gate both: as --uses, for the storm without the gate")
      ->type_name("N");
  app.add_option("-o,--output", options->output,
                 "folder of run.json (else $RACELESS_RESULTS, else runs/TIME)");
  app.add_flag("--json", options->json, "print run.json instead of the summary");
  app.add_flag("--needs", options->needs,
               "print the modules of the kernel that the target needs, and do nothing");
  app.add_flag("--expects", options->expects,
               "print a pattern of the kernel messages that the target provokes, and do nothing");
  app.add_option("--maps", parameters.maps,
                 "pin the BPF maps in this folder of a bpf file system, and leave them there");
  app.add_option("--print-plan", options->print_plan,
                 "print the first N operations of each thread, and do nothing")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  app.add_flag("--trace,!--no-trace", parameters.trace, "watch with eBPF (the default)");
  app.add_flag("--timeline,!--no-timeline", parameters.timeline,
               "leave timeline.json, which Perfetto opens, beside run.json (the default)");
  const std::map<std::string, Progress> progress = {
      {"auto", Progress::automatic}, {"always", Progress::always}, {"never", Progress::never}};
  app.add_option("--progress", options->progress, "auto (on a terminal), always or never")
      ->transform(CLI::CheckedTransformer(progress, CLI::ignore_case).description(""));
  app.footer("Targets:\n" + list_targets() +
             "\nThe first Ctrl-C ends the storm with its summary, the second aborts it.");
  return [options] { return run_storm(*options); };
}

}  // namespace raceless
