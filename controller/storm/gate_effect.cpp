// SPDX-License-Identifier: GPL-2.0
#include "storm/gate_effect.h"

#include <fmt/format.h>

#include "duration.h"
#include "terminal.h"
#include "text_file.h"

namespace raceless {

namespace {

constexpr size_t kMaxFindings = 100;  // in run.json

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

double per_second(uint64_t number, uint64_t ns) {
  return ns == 0 ? 0 : static_cast<double>(number) * 1e9 / static_cast<double>(ns);
}

void add_row(Table& table, const char* label, const StormResult& result) {
  const Counts counts = result.tally.counts();
  const Histogram& use = result.tally.histogram(Latency::use);
  const Histogram& unload = result.tally.histogram(Latency::unload);
  const uint64_t uses = get(counts, Count::uses);
  const uint64_t failed = get(counts, Count::user_failures);
  table.row({label, std::to_string(uses), std::to_string(failed),
             uses == 0 ? "" : fmt::format("{:.1f} %", 100.0 * per_second(failed, uses) / 1e9),
             fmt::format("{:.1f}", per_second(get(counts, Count::unloads), result.elapsed_ns)),
             format_duration(use.quantile(0.50)), format_duration(use.quantile(0.99)),
             format_duration(use.max()), format_duration(unload.max())});
}

}  // namespace

GateEffect GateEffect::since(const GateState& before) { return GateEffect(counts_of(before)); }

Result<GateEffect> GateEffect::begin() {
  const Result<GateState> before = GateState::read();
  if (!before) return tl::unexpected(before.error());
  return since(*before);
}

Status GateEffect::end(bool is_gated, StormResult& result) const {
  const Result<GateState> after = GateState::read();
  if (!after) return tl::unexpected(after.error());
  compare(*after, is_gated, result);
  return {};
}

void GateEffect::compare(const GateState& after, bool is_gated, StormResult& result) const {
  std::string line;
  for (const auto& [key, value] : counts_of(after)) {
    const auto before = before_.find(key);
    const uint64_t number = value - (before == before_.end() ? 0 : before->second);
    result.extra_counters[key] = number;
    if (number != 0)
      line += fmt::format("{}{} {}", line.empty() ? "" : ", ", key.substr(5), number);
  }
  result.target_lines += fmt::format("gate: {}\n", line.empty() ? "nothing to do" : line);
  const uint64_t failed = get(result.tally.counts(), Count::user_failures);
  if (!is_gated || failed == 0) return;
  result.nr_findings++;
  if (result.findings.size() >= kMaxFindings) return;
  result.findings.push_back({0, fmt::format("{} uses failed although the gate was on", failed),
                             result.elapsed_ns, "end", 0});
}

std::string gate_comparison(const StormResult& off, const StormResult& on) {
  Table table;
  table.row({"gate", "uses", "failed", "", "unloads/s", "use p50", "p99", "max", "unload max"});
  add_row(table, "off", off);
  add_row(table, "on", on);
  return table.text();
}

}  // namespace raceless
