// SPDX-License-Identifier: GPL-2.0
// raceless policies
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "clock.h"
#include "command.h"
#include "duration_option.h"
#include "policy_device.h"
#include "run_folder.h"
#include "signals.h"
#include "storm/check_numbers.h"
#include "storm/policy_table.h"
#include "storm/report.h"
#include "storm/storm.h"

namespace raceless {

namespace {

struct PoliciesOptions {
  Parameters parameters;
  std::vector<std::string> policies;
  std::string output;
  bool json = false;
};

Outcome cannot_run(const Error& error) {
  fmt::print(stderr, "raceless: {}\n", error.message());
  return Outcome::cannot_run;
}

// One storm, with its run.json in `folder`.
Result<std::unique_ptr<StormResult>> storm_on(const Parameters& parameters, const Context& context,
                                              const std::string& folder, const Signals& signals) {
  if (Status made = make_run_folder(folder); !made) return tl::unexpected(made.error());
  Result<std::unique_ptr<Target>> target = make_target(parameters);
  if (!target) return tl::unexpected(target.error());
  Result<std::unique_ptr<Storm>> storm = Storm::prepare(parameters, std::move(*target));
  if (!storm) return tl::unexpected(storm.error());
  std::unique_ptr<StormResult> result = (*storm)->run(signals, [](const Sample& /*sample*/) {});
  // A thread that is stuck in the kernel still uses the storm's memory.
  if (result->stuck) (void)storm->release();
  check_numbers(context, parameters, *result);
  Status written = write_run(folder, run_json(context, parameters, *result), parameters, *result);
  if (!written) return tl::unexpected(written.error());
  return result;
}

Outcome run_policies(const PoliciesOptions& options) {
  for (const std::string& policy : options.policies)
    if (const Status valid = check_policy_name(policy); !valid) {
      fmt::print(stderr, "raceless: {}\n", valid.error().message());
      return Outcome::usage;
    }
  const Context context = current_context();
  const std::string folder = options.output.empty() ? default_run_folder(context) : options.output;
  const Result<Signals> signals = Signals::catch_all();
  if (!signals) return cannot_run(signals.error());

  std::vector<PolicyRow> rows;
  Crews crews{};
  bool passed = true;
  for (const std::string& policy : options.policies) {
    Parameters parameters = options.parameters;
    parameters.target = "policy:" + policy;
    const Result<std::unique_ptr<StormResult>> result =
        storm_on(parameters, context, fmt::format("{}/{}", folder, policy), *signals);
    if (!result) return cannot_run(result.error());
    rows.push_back(policy_row(policy, **result));
    crews = (*result)->crews;
    passed = passed && (*result)->passed();
    if ((*result)->interrupted || (*result)->stuck) break;
  }
  if (options.json)
    fmt::print("{}\n", policy_json(context, options.parameters, rows).dump(1));
  else
    fmt::print("{}", policy_text(context, options.parameters, crews, rows));
  if (!options.json && !is_harness_folder(folder)) fmt::print("run folders: {}/*\n", folder);
  if (!passed) return Outcome::failed;
  if (rows.size() == options.policies.size()) return Outcome::passed;
  fmt::print(stderr, "raceless: interrupted: {} of {} policies were not run\n",
             options.policies.size() - rows.size(), options.policies.size());
  return Outcome::cannot_run;
}

}  // namespace

RunCommand add_policies(CLI::App& app) {
  auto options = std::make_shared<PoliciesOptions>();
  Parameters& parameters = options->parameters;
  parameters.duration_ns = 10 * kNsPerSecond;
  parameters.leak_check_unloads = 0;
  // It would slow down the one policy that has tracepoints.
  parameters.trace = false;
  options->policies.assign(kPolicies.begin(), kPolicies.end());
  add_duration(
      app, "-d,--duration", "how long, on each",
      [&parameters](uint64_t ns) { parameters.duration_ns = ns; }, "10s");
  app.add_option("-s,--seed", parameters.seed, "the plan of all threads, the same on each")
      ->capture_default_str();
  app.add_option("-p,--policy", options->policies, "these alone (can be repeated)");
  app.add_option("-o,--output", options->output,
                 "folder of POLICY/run.json (else $RACELESS_RESULTS, else runs/TIME)");
  app.add_flag("--json", options->json, "for programs");
  app.footer(fmt::format("Policies: {}. docs/policies.md says what each does.",
                         fmt::join(kPolicies, ", ")));
  return [options] { return run_policies(*options); };
}

}  // namespace raceless
