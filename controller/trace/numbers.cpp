// SPDX-License-Identifier: GPL-2.0
#include "trace/numbers.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

namespace raceless {

namespace {

using nlohmann::json;

// The counters of a snapshot that are not the registry's are those of modules.
bool is_module_counter(const std::string& name) {
  return name.starts_with("load_results_") || name.starts_with("unload_results_") ||
         name.starts_with("module_");
}

bool is_module_histogram(const std::string& name) {
  return name == "load_ns" || name == "unload_ns" || name == "unload_grace_ns";
}

template <typename Key>
uint64_t sum(const std::map<Key, uint64_t>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), uint64_t{0},
                         [](uint64_t all, const auto& entry) { return all + entry.second; });
}

// One object for each way to fail.
json failed_gets_json(const std::map<FailedGet, uint64_t>& failed) {
  json list = json::array();
  for (const auto& [get, count] : failed)
    list.push_back({{"reason", get.reason}, {"caller", get.caller}, {"count", count}});
  return list;
}

json module_json(const ModuleNumbers& module) {
  json calls = json::array();
  for (const auto& [call, count] : module.failed_calls)
    calls.push_back(
        {{"call", call.call}, {"error", call.error}, {"cause", call.cause}, {"count", count}});
  json waits = json::array();
  for (const auto& [caller, histogram] : module.grace_ns)
    waits.push_back({{"caller", caller}, {"ns", histogram.to_json()}});
  return {{"loads", module.loads},
          {"unloads", module.unloads},
          {"load_ns", module.load_ns.to_json()},
          {"unload_ns", module.unload_ns.to_json()},
          {"failed_gets", failed_gets_json(module.failed_gets)},
          {"failed_calls", std::move(calls)},
          {"grace_waits", std::move(waits)}};
}

}  // namespace

uint64_t ModuleNumbers::nr_failed_gets() const { return sum(failed_gets); }
uint64_t ModuleNumbers::nr_failed_calls() const { return sum(failed_calls); }

Histogram ModuleNumbers::all_grace_ns() const {
  Histogram all;
  for (const auto& [caller, histogram] : grace_ns) all.merge(histogram);
  return all;
}

uint64_t Numbers::nr_dropped() const {
  uint64_t all = 0;
  for (const auto& [kind, count] : drops)
    if (kind != "stacks" && kind != "maxima") all += count;
  return all;
}

Numbers make_numbers(const Activity& activity, const Snapshot& snapshot, bool registry,
                     const std::vector<std::string>& watched, const Naming& naming) {
  Numbers numbers;
  numbers.registry = registry;
  for (const auto& [name, module] : activity.modules) {
    ModuleNumbers& row = numbers.modules[name];
    row.loads = module.loads;
    row.unloads = module.unloads;
    row.load_ns.merge(module.load_ns);
    row.unload_ns.merge(module.unload_ns);
  }
  for (const GraceWaits& waits : activity.grace_waits)
    numbers.modules[waits.module].grace_ns[naming.caller(waits.stack)].merge(waits.ns);
  for (const GetFailure& failure : activity.get_failures) {
    const FailedGet get{failure.reason, naming.caller(failure.stack)};
    // The registry's have an errno, those of try_module_get() have none.
    if (failure.error == 0)
      numbers.modules[failure.name].failed_gets[get] += failure.count;
    else
      numbers.registry_failed_gets[get] += failure.count;
  }
  for (const CallFailure& failure : activity.call_failures) {
    const std::string module = naming.module_of(failure.name);
    // One without a name may be of any.
    if (!watched.empty() && !failure.name.empty() &&
        std::ranges::find(watched, module) == watched.end())
      continue;
    numbers.modules[module].failed_calls[{failure.call, failure.error, to_string(failure.cause)}] +=
        failure.count;
  }
  for (const auto& [name, count] : snapshot.counters) {
    if (name == "module_requests") numbers.requests = count;
    if (registry && !is_module_counter(name)) numbers.registry_counters[name] = count;
  }
  for (const auto& [name, raw] : snapshot.histograms)
    if (registry && !is_module_histogram(name)) numbers.registry_histograms[name].merge(raw);
  numbers.drops = snapshot.drops;
  return numbers;
}

json numbers_json(const Numbers& numbers) {
  json modules = json::object();
  for (const auto& [name, module] : numbers.modules) modules[name] = module_json(module);
  json line = {
      {"modules", std::move(modules)}, {"requests", numbers.requests}, {"drops", numbers.drops}};
  if (!numbers.registry) return line;
  json histograms = json::object();
  for (const auto& [name, histogram] : numbers.registry_histograms)
    histograms[name] = histogram.to_json();
  line["registry"] = {{"counters", numbers.registry_counters},
                      {"failed_gets", failed_gets_json(numbers.registry_failed_gets)},
                      {"histograms", std::move(histograms)}};
  return line;
}

}  // namespace raceless
