// SPDX-License-Identifier: GPL-2.0
#include "storm/gate_effect.h"

#include <fmt/format.h>

#include <algorithm>

#include "duration.h"
#include "gate/gate.h"
#include "terminal.h"
#include "text_file.h"

namespace raceless {

namespace {

constexpr size_t kMaxFindings = 100;  // in run.json
// One delete waits for some seconds at the most, see docs/gate.md.
constexpr uint64_t kStarvedNs = 10 * kNsPerSecond;

void find(StormResult& result, std::string what) {
  result.nr_findings++;
  if (result.findings.size() < kMaxFindings)
    result.findings.push_back({0, std::move(what), result.elapsed_ns, "end", 0});
}

constexpr const char* kRestartsP99 = "gate_restarts_per_call_p99";

// What is counted, by the name that it has in run.json. Bounds and what is true now are no counts.
std::map<std::string, uint64_t> counts_of(const GateState& state) {
  std::map<std::string, uint64_t> counts;
  for (const auto& [key, value] : state.totals()) {
    const std::vector<std::string> words = split_words(key);
    if (words.size() == 2 && words[0] == "open") counts["gate_let_through_" + words[1]] = value;
    if (words.size() != 1 || key == "on" || key.ends_with("_ms") || key.ends_with("_now")) continue;
    counts["gate_" + key] = value;
  }
  return counts;
}

// What was recorded in between. The largest value is that of all time: no smaller one is known.
Histogram since_then(const raceless_hist& before, raceless_hist now) {
  now.count -= before.count;
  now.sum -= before.sum;
  for (size_t i = 0; i < RACELESS_HIST_BUCKETS; i++) now.buckets[i] -= before.buckets[i];
  Histogram histogram;
  histogram.merge(now);
  return histogram;
}

double per_second(uint64_t number, uint64_t ns) {
  return ns == 0 ? 0 : static_cast<double>(number) * 1e9 / static_cast<double>(ns);
}

// The longest delete_module and the longest load of the storm, ns; 0 if nobody watched.
uint64_t longest_cycle(const StormResult& result) {
  if (!result.snapshot) return 0;
  uint64_t sum = 0;
  for (const char* name : {"unload_ns", "load_ns"}) {
    const auto found = result.snapshot->histograms.find(name);
    if (found != result.snapshot->histograms.end()) sum += found->second.max;
  }
  return sum;
}

void add_row(Table& table, const char* label, const StormResult& result) {
  const Counts counts = result.tally.counts();
  const Histogram& use = result.tally.histogram(Latency::use);
  const uint64_t uses = get(counts, Count::uses);
  const uint64_t failed = get(counts, Count::user_failures);
  const uint64_t cycle_ns = longest_cycle(result);
  const auto restarts = result.extra_counters.find(kRestartsP99);
  table.row(
      {label, std::to_string(uses), std::to_string(failed),
       uses == 0 ? "" : fmt::format("{:.1f} %", 100.0 * per_second(failed, uses) / 1e9),
       fmt::format("{:.1f}", per_second(get(counts, Count::unloads), result.elapsed_ns)),
       format_duration(longest_without_unload(result.series)), format_duration(use.quantile(0.50)),
       format_duration(use.quantile(0.99)), format_duration(use.max()),
       cycle_ns == 0
           ? ""
           : fmt::format("{:.2f}", static_cast<double>(use.max()) / static_cast<double>(cycle_ns)),
       restarts == result.extra_counters.end() ? "" : std::to_string(restarts->second)});
}

}  // namespace

GateEffect::Numbers GateEffect::numbers_of(const GateState& state, const GatePrograms& programs) {
  Numbers numbers{counts_of(state), {}};
  numbers.counts["gate_let_through_skipped_programs"] = programs.skipped;
  const auto restarts = state.histograms().find("restarts_per_call");
  if (restarts != state.histograms().end()) numbers.restarts = restarts->second;
  return numbers;
}

GateEffect GateEffect::since(const GateState& before, const GatePrograms& programs) {
  return GateEffect(numbers_of(before, programs));
}

Result<GateEffect> GateEffect::begin() {
  const Result<GateState> before = GateState::read();
  if (!before) return tl::unexpected(before.error());
  return since(*before, Gate::programs());
}

void GateEffect::end(bool is_gated, StormResult& result) const {
  if (const Result<GateState> after = GateState::read(); after)
    compare(*after, is_gated, result, Gate::programs());
  else
    find(result, "the gate cannot be asked any more: " + after.error().message());
}

void GateEffect::compare(const GateState& after, bool is_gated, StormResult& result,
                         const GatePrograms& programs) const {
  std::string line;
  const Numbers now = numbers_of(after, programs);
  for (const auto& [key, value] : now.counts) {
    const auto before = before_.counts.find(key);
    const uint64_t number = value - (before == before_.counts.end() ? 0 : before->second);
    result.extra_counters[key] = number;
    if (number != 0)
      line += fmt::format("{}{} {}", line.empty() ? "" : ", ", key.substr(5), number);
  }
  const Histogram restarts = since_then(before_.restarts, now.restarts);
  if (restarts.count() != 0) {
    result.extra_counters[kRestartsP99] = restarts.quantile(0.99);
    line += fmt::format(", a restarted call's p99 {}", restarts.quantile(0.99));
  }
  result.target_lines += fmt::format("gate: {}\n", line.empty() ? "nothing to do" : line);
  if (!is_gated) return;
  if (const uint64_t failed = get(result.tally.counts(), Count::user_failures); failed != 0)
    find(result, fmt::format("{} uses failed although the gate was on", failed));
  const uint64_t refused = get(result.tally.counts(), Count::unload_failures);
  if (result.unloaded_nothing() && refused != 0 && result.elapsed_ns >= kStarvedNs)
    find(result, fmt::format("with the gate on nothing was unloaded, at {} tries", refused));
}

uint64_t longest_without_unload(const std::vector<Sample>& series) {
  uint64_t longest_ns = 0;
  uint64_t since_ns = 0;
  uint64_t unloads = 0;
  for (const Sample& sample : series) {
    longest_ns = std::max(longest_ns, sample.time_ns - since_ns);
    if (get(sample.counts, Count::unloads) == unloads) continue;
    unloads = get(sample.counts, Count::unloads);
    since_ns = sample.time_ns;
  }
  return longest_ns;
}

std::string gate_comparison(const StormResult& off, const StormResult& on) {
  Table table;
  table.row({"gate", "uses", "failed", "", "unloads/s", "none for", "use p50", "p99", "max",
             "÷ unload+load", "restarts p99"});
  add_row(table, "off", off);
  add_row(table, "on", on);
  return table.text();
}

}  // namespace raceless
