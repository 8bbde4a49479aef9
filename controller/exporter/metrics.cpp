// SPDX-License-Identifier: GPL-2.0
#include "exporter/metrics.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <utility>

#include "clock.h"
#include "printable.h"

namespace raceless {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// Each bound is the largest number of nanoseconds of a bucket of ours, so that the counts are
// exact: 2^10 - 1 (1 us) to 2^36 - 1 (69 s), by factors of two.
constexpr unsigned kFirstBound = 10;
constexpr unsigned kLastBound = 36;

double to_seconds(uint64_t ns) {
  return static_cast<double>(ns) / static_cast<double>(kNsPerSecond);
}

class Family {
 public:
  Family(MetricType type, std::string name, std::string help) {
    family_.type = type;
    family_.name = std::move(name);
    family_.help = std::move(help);
  }

  void count(Labels labels, uint64_t value) {
    ClientMetric metric = labelled(std::move(labels));
    (family_.type == MetricType::Gauge ? metric.gauge.value : metric.counter.value) =
        static_cast<double>(value);
    family_.metric.push_back(std::move(metric));
  }

  void histogram(Labels labels, const Histogram& histogram) {
    const raceless_hist& raw = histogram.raw();
    ClientMetric metric = labelled(std::move(labels));
    metric.histogram.sample_count = raw.count;
    metric.histogram.sample_sum = to_seconds(raw.sum);
    uint64_t below = 0;
    uint32_t bucket = 0;
    for (unsigned bound = kFirstBound; bound <= kLastBound; bound++) {
      const uint64_t end_ns = uint64_t{1} << bound;
      for (; raceless_hist_lower(bucket) < end_ns; bucket++) below += raw.buckets[bucket];
      metric.histogram.bucket.push_back({below, to_seconds(end_ns - 1)});
    }
    metric.histogram.bucket.push_back({raw.count, std::numeric_limits<double>::infinity()});
    family_.metric.push_back(std::move(metric));
  }

  // A family without metrics is left out.
  void add_to(std::vector<MetricFamily>& families) && {
    if (!family_.metric.empty()) families.push_back(std::move(family_));
  }

 private:
  // A name from the kernel need not be UTF-8, and Prometheus refuses all of a scrape for one.
  static ClientMetric labelled(Labels labels) {
    ClientMetric metric;
    for (ClientMetric::Label& label : labels) label.value = to_utf8(label.value);
    metric.label = std::move(labels);
    return metric;
  }

  MetricFamily family_;
};

void add_results(const Numbers& numbers, Results ModuleNumbers::*results, const char* name,
                 const char* help, std::vector<MetricFamily>& families) {
  Family family(MetricType::Counter, name, help);
  for (const auto& [module, row] : numbers.modules)
    for (const auto& [result, count] : row.*results)
      family.count({{"module", module}, {"result", result}}, count);
  std::move(family).add_to(families);
}

void add_latency(const Numbers& numbers, Histogram ModuleNumbers::*histogram, const char* name,
                 const char* help, std::vector<MetricFamily>& families) {
  Family family(MetricType::Histogram, name, help);
  for (const auto& [module, row] : numbers.modules)
    if ((row.*histogram).count() != 0) family.histogram({{"module", module}}, row.*histogram);
  std::move(family).add_to(families);
}

// Where code is in the kernel is root's to know, and who scrapes may be anybody.
std::string public_name(const std::string& caller) {
  return caller.starts_with("0x") ? "unknown" : caller;
}

void add_modules(const Numbers& numbers, std::vector<MetricFamily>& families) {
  add_results(numbers, &ModuleNumbers::loads, "raceless_module_loads",
              "Loads of a module, by what the system call returned.", families);
  add_results(numbers, &ModuleNumbers::unloads, "raceless_module_unloads",
              "Unloads of a module, by what the system call returned.", families);

  Family gets(MetricType::Counter, "raceless_module_get_failures",
              "Times that try_module_get() said no, by why and where.");
  Family calls(MetricType::Counter, "raceless_module_call_failures",
               "System calls that failed because of a module, by error and cause.");
  Family waits(MetricType::Histogram, "raceless_module_rcu_wait_seconds",
               "Waits for RCU of a module's unloads, by where.");
  for (const auto& [module, row] : numbers.modules) {
    std::map<std::pair<std::string, std::string>, uint64_t> failed_gets;
    for (const auto& [get, count] : row.failed_gets)
      failed_gets[{get.reason, public_name(get.caller)}] += count;
    for (const auto& [get, count] : failed_gets)
      gets.count({{"module", module}, {"reason", get.first}, {"caller", get.second}}, count);
    for (const auto& [call, count] : row.failed_calls)
      calls.count(
          {{"module", module}, {"call", call.call}, {"error", call.error}, {"cause", call.cause}},
          count);
    std::map<std::string, Histogram> grace_ns;
    for (const auto& [caller, histogram] : row.grace_ns)
      grace_ns[public_name(caller)].merge(histogram);
    for (const auto& [caller, histogram] : grace_ns)
      waits.histogram({{"module", module}, {"caller", caller}}, histogram);
  }
  std::move(gets).add_to(families);
  std::move(calls).add_to(families);

  Family requests(MetricType::Counter, "raceless_module_requests",
                  "Times that the kernel asked for a module by name.");
  requests.count({}, numbers.requests);
  std::move(requests).add_to(families);

  add_latency(numbers, &ModuleNumbers::load_ns, "raceless_module_load_seconds",
              "How long loads took, whatever they returned.", families);
  add_latency(numbers, &ModuleNumbers::unload_ns, "raceless_module_unload_seconds",
              "How long unloads took, whatever they returned.", families);
  std::move(waits).add_to(families);
}

// "to_live" and its like are one family with a label.
void add_registry(const Numbers& numbers, std::vector<MetricFamily>& families) {
  struct Labelled {
    const char* prefix;
    const char* family;
    const char* label;
    const char* help;
  };
  constexpr std::array<Labelled, 3> kLabelled = {
      {{"to_", "raceless_registry_transitions", "state", "Instances that entered a state."},
       {"get_failures_", "raceless_registry_get_failures", "reason",
        "Gets of the registry that failed, by reason."},
       {"broken_", "raceless_registry_broken_promises", "promise",
        "Promises that the registry saw broken."}}};
  std::map<std::string, uint64_t> rest = numbers.registry_counters;
  for (const Labelled& labelled : kLabelled) {
    Family family(MetricType::Counter, labelled.family, labelled.help);
    const std::string prefix = labelled.prefix;
    std::erase_if(rest, [&](const auto& counter) {
      if (!counter.first.starts_with(prefix)) return false;
      family.count({{labelled.label, counter.first.substr(prefix.size())}}, counter.second);
      return true;
    });
    std::move(family).add_to(families);
  }
  for (const auto& [name, count] : rest) {
    Family family(MetricType::Counter, "raceless_registry_" + name,
                  "As in /proc/raceless, since the tracing began.");
    family.count({}, count);
    std::move(family).add_to(families);
  }
  for (const auto& [name, histogram] : numbers.registry_histograms) {
    Family family(MetricType::Histogram,
                  "raceless_registry_" + name.substr(0, name.rfind("_ns")) + "_seconds",
                  "As in /proc/raceless, since the tracing began.");
    family.histogram({}, histogram);
    std::move(family).add_to(families);
  }
}

}  // namespace

std::vector<MetricFamily> make_metrics(const Numbers& numbers, size_t nr_missing) {
  std::vector<MetricFamily> families;
  add_modules(numbers, families);
  if (numbers.registry) add_registry(numbers, families);
  Family drops(MetricType::Counter, "raceless_trace_dropped",
               "What was not recorded, by what there was no room or time for.");
  for (const auto& [kind, count] : numbers.drops) drops.count({{"kind", kind}}, count);
  std::move(drops).add_to(families);
  Family missing(MetricType::Gauge, "raceless_trace_missing_programs",
                 "BPF programs that this kernel has nothing for.");
  missing.count({}, nr_missing);
  std::move(missing).add_to(families);
  return families;
}

}  // namespace raceless
