// SPDX-License-Identifier: GPL-2.0
#include "storm/policy_table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "duration.h"
#include "terminal.h"

namespace raceless {

namespace {

uint64_t entry(const std::map<std::string, uint64_t>& numbers, const std::string& key) {
  const auto found = numbers.find(key);
  return found == numbers.end() ? 0 : found->second;
}

// "-" where nothing was recorded.
std::string shown(const Histogram& histogram, double quantile) {
  return histogram.count() == 0 ? "-" : format_duration(histogram.quantile(quantile));
}

std::string longest(const Histogram& histogram) {
  return histogram.count() == 0 ? "-" : format_duration(histogram.max());
}

// Only one of them has a lock that all users meet on.
std::string contention(const PolicyRow& row) {
  return row.contended == 0
             ? "-"
             : fmt::format("{}, {}", row.contended, format_duration(row.contended_ns));
}

}  // namespace

PolicyRow policy_row(const std::string& policy, const StormResult& result) {
  const Counts counts = result.tally.counts();
  const auto& outcomes = result.tally.breakdown(Breakdown::unloads_by_outcome);
  const auto& extra = result.extra_counters;
  PolicyRow row;
  row.policy = policy;
  row.uses = get(counts, Count::uses);
  row.failed = get(counts, Count::user_failures);
  row.lost_races = entry(extra, "policy_lost_races");
  row.revivals = entry(extra, "policy_revivals");
  row.unloads = get(counts, Count::unloads);
  row.refused = entry(outcomes, "unload EBUSY") + entry(outcomes, "unload EAGAIN");
  row.unload_ns = result.tally.histogram(Latency::unload);
  row.get_ns = result.tally.histogram(Latency::use);
  row.contended = entry(extra, "policy_contended");
  row.contended_ns = entry(extra, "policy_contended_ns");
  row.nr_broken = result.nr_findings;
  return row;
}

std::string policy_text(const Context& context, const Parameters& parameters, const Crews& crews,
                        const std::vector<PolicyRow>& rows) {
  const auto threads = [&crews](Role role) { return crews[static_cast<size_t>(role)].threads; };
  std::string text = fmt::format("kernel {}, {}, {} vCPUs, commit {}, seed {}\n", context.kernel,
                                 context.accel, context.vcpus, context.commit, parameters.seed);
  text += fmt::format("{} on each: {} loaders, {} unloaders, {} consumers\n\n",
                      format_duration(parameters.duration_ns), threads(Role::loader),
                      threads(Role::unloader), threads(Role::consumer));
  Table table;
  table.row({"policy", "uses", "failed", "lost races", "revived", "unloads", "EBUSY", "unload p50",
             "p99", "max", "get p50", "p99", "max", "lock contended", "broken"});
  for (const PolicyRow& row : rows)
    table.row({row.policy, std::to_string(row.uses), std::to_string(row.failed),
               std::to_string(row.lost_races), std::to_string(row.revivals),
               std::to_string(row.unloads), std::to_string(row.refused), shown(row.unload_ns, 0.50),
               shown(row.unload_ns, 0.99), longest(row.unload_ns), shown(row.get_ns, 0.50),
               shown(row.get_ns, 0.99), longest(row.get_ns), contention(row),
               std::to_string(row.nr_broken)});
  return text + table.text();
}

nlohmann::json policy_json(const Context& context, const Parameters& parameters,
                           const std::vector<PolicyRow>& rows) {
  nlohmann::json list = nlohmann::json::array();
  for (const PolicyRow& row : rows)
    list.push_back({{"policy", row.policy},
                    {"uses", row.uses},
                    {"failed", row.failed},
                    {"lost_races", row.lost_races},
                    {"revivals", row.revivals},
                    {"unloads", row.unloads},
                    {"refused", row.refused},
                    {"unload_ns", row.unload_ns.to_json()},
                    {"get_ns", row.get_ns.to_json()},
                    {"contended", row.contended},
                    {"contended_ns", row.contended_ns},
                    {"nr_broken", row.nr_broken}});
  return {{"schema", 1},
          {"context",
           {{"kernel", context.kernel},
            {"accel", context.accel},
            {"vcpus", context.vcpus},
            {"commit", context.commit},
            {"seed", parameters.seed},
            {"started", context.started},
            {"duration_ns", parameters.duration_ns}}},
          {"policies", std::move(list)}};
}

}  // namespace raceless
