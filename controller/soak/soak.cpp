// SPDX-License-Identifier: GPL-2.0
#include "soak/soak.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "module_loader.h"
#include "run_folder.h"
#include "storm/check_numbers.h"
#include "storm/gate_effect.h"
#include "storm/report.h"

namespace raceless {

namespace {

constexpr uint64_t kTurns = 12;  // of each target, if the time is long enough
constexpr uint64_t kShortestTurnNs = 2 * kNsPerSecond;
constexpr uint64_t kLongestTurnNs = 60 * kNsPerSecond;
constexpr size_t kKeptRuns = 20;  // of failed turns; the guest's disk is its memory

}  // namespace

uint64_t turn_length(const SoakParameters& parameters) {
  if (parameters.turn_ns != 0) return parameters.turn_ns;
  const uint64_t turns = kTurns * std::max<uint64_t>(parameters.targets.size(), 1);
  return std::clamp(parameters.duration_ns / turns, kShortestTurnNs, kLongestTurnNs);
}

// 32 bits, which every reader of JSON and every shell can keep.
uint64_t turn_seed(uint64_t seed, uint64_t round, size_t target) {
  return Random(Random(seed).next() ^ (round << 16 | target)).next() >> 32;
}

uint64_t SoakRecord::lifecycles() const {
  uint64_t sum = 0;
  for (const SoakedTarget& target : targets) sum += target.lifecycles;
  return sum;
}

const SoakedTarget* SoakRecord::idle() const {
  const auto found = std::ranges::find_if(targets, [](const SoakedTarget& target) {
    return target.turns != 0 && target.lifecycles == 0;
  });
  return found == targets.end() ? nullptr : &*found;
}

Soak::Soak(SoakParameters parameters, Listener listener)
    : parameters_(std::move(parameters)), listener_(std::move(listener)) {
  record_.turn_ns = turn_length(parameters_);
  for (const std::string& name : parameters_.targets) record_.targets.push_back({.name = name});
}

bool Soak::over(const Signals& signals) const {
  const bool runnable = std::ranges::any_of(
      record_.targets, [](const SoakedTarget& target) { return target.not_run.empty(); });
  return signals.pending() || record_.stuck || !runnable ||
         now_ns() + record_.turn_ns > start_ns_ + parameters_.duration_ns;
}

bool Soak::traced() const {
  return parameters_.trace_every != 0 && round_ % parameters_.trace_every == 0;
}

SoakRecord Soak::run(const Signals& signals) {
  start_ns_ = now_ns();
  for (; !over(signals) && (parameters_.rounds == 0 || round_ < parameters_.rounds); round_++) {
    round(signals);
    listener_.round(round_, record_);
  }
  record_.elapsed_ns = now_ns() - start_ns_;
  record_.interrupted = signals.pending();
  return std::move(record_);
}

void Soak::round(const Signals& signals) {
  for (size_t target = 0; target < record_.targets.size() && !over(signals); target++) {
    if (!record_.targets[target].not_run.empty()) continue;
    turn(target, signals);
    if (signals.pending() || record_.stuck || !record_.targets[target].not_run.empty()) continue;
    come_to_rest();
    record_.moments.push_back(
        {now_ns() - start_ns_, round_, target, traced(), record_.lifecycles(), read_quantities()});
  }
}

void Soak::turn(size_t target, const Signals& signals) {
  SoakedTarget& soaked = record_.targets[target];
  Parameters parameters;
  parameters.target = soaked.name;
  parameters.seed = turn_seed(parameters_.seed, round_, target);
  parameters.duration_ns = record_.turn_ns;
  parameters.trace = traced();
  parameters.leak_check_unloads = parameters_.leak_check_unloads;
  parameters.timeline = false;
  Result<std::unique_ptr<Target>> made = make_target(parameters);
  if (!made) return could_not_run(soaked, parameters.seed, made.error());
  const bool is_gated = (*made)->is_gated();
  Result<std::unique_ptr<Storm>> storm = Storm::prepare(parameters, std::move(*made));
  if (!storm) return could_not_run(soaked, parameters.seed, storm.error());
  const Context context = current_context();
  std::optional<GateEffect> gate;
  if (context.gate) {
    const Result<GateEffect> begun = GateEffect::begin();
    if (!begun) return could_not_run(soaked, parameters.seed, begun.error());
    gate = *begun;
  }
  const std::unique_ptr<StormResult> result = (*storm)->run(
      signals, [&](const Sample& sample) { listener_.sample(soaked.name, round_, sample); });
  if (gate) gate->end(is_gated, *result);
  count(soaked, context, parameters, *result);
  // A thread that is stuck in the kernel still uses the storm's memory.
  if (result->stuck) (void)storm->release();
}

// A kernel may lack a target's module. Anything else is broken.
void Soak::could_not_run(SoakedTarget& target, uint64_t seed, const Error& error) {
  if (target.turns == 0 && is_no_module(error)) {
    target.not_run = error.message();
    return;
  }
  target.failed_turns++;
  record_.failed.push_back({target.name, round_, seed, 1, error.message()});
}

void Soak::count(SoakedTarget& target, const Context& context, const Parameters& parameters,
                 StormResult& result) {
  check_numbers(context, parameters, result);
  const Counts counts = result.tally.counts();
  target.turns++;
  target.lifecycles += get(counts, Count::unloads);
  target.uses += get(counts, Count::uses);
  target.failures += get(counts, Count::user_failures);
  record_.stuck = result.stuck;
  if (result.passed()) return;
  target.failed_turns++;
  record_.failed.push_back({target.name, round_, parameters.seed, result.nr_findings,
                            result.findings.empty() ? "" : result.findings.front().what});
  if (record_.failed.size() > kKeptRuns) return;
  // The findings were printed as they came: without its run.json the soak says all the same.
  const std::string folder = fmt::format("{}/failed-{}", parameters_.folder, record_.failed.size());
  if (make_run_folder(folder))
    (void)write_run(folder, run_json(context, parameters, result), parameters, result);
}

}  // namespace raceless
