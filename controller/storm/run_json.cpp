// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "clock.h"
#include "storm/report.h"
#include "text_file.h"
#include "timeline/timeline.h"

namespace raceless {

namespace {

using nlohmann::json;

json verdict_json(const StormResult& result) {
  json broken = json::array();
  for (const Finding& finding : result.findings)
    broken.push_back({{"promise", finding.promise},
                      {"what", finding.what},
                      {"when_ns", finding.when_ns},
                      {"thread", finding.thread},
                      {"instance", finding.instance}});
  return {{"result", result.passed() ? "pass" : "fail"},
          {"nr_broken", result.nr_findings},
          {"broken", std::move(broken)}};
}

json parameters_json(const Parameters& parameters, const StormResult& result) {
  json out = {
      {"target", parameters.target},         {"duration_ns", parameters.duration_ns},
      {"timeout_ns", parameters.timeout_ns}, {"stuck_after_ns", parameters.stuck_after_ns},
      {"workload", parameters.workload},     {"module_options", parameters.module_options},
      {"trace", parameters.trace},           {"leak_check_unloads", parameters.leak_check_unloads},
      {"max_uses", parameters.max_uses}};
  for (const Role role : kRoles) {
    const Crew& crew = result.crews[static_cast<size_t>(role)];
    out[std::string(role_name(role)) + "s"] = {{"threads", crew.threads},
                                               {"pause_min_ns", crew.pacing.min_ns},
                                               {"pause_max_ns", crew.pacing.max_ns},
                                               {"tight_percent", crew.pacing.tight_percent}};
  }
  return out;
}

json counters_json(const StormResult& result) {
  json out = json::object();
  const Counts counts = result.tally.counts();
  for (size_t i = 0; i < kCounts; i++)
    out[std::string(count_name(static_cast<Count>(i)))] = counts[i];
  out["reloads"] = result.reloads;
  out["expected_complaints"] = result.expected_complaints;
  for (size_t i = 0; i < kBreakdowns; i++) {
    const auto breakdown = static_cast<Breakdown>(i);
    out[std::string(breakdown_name(breakdown))] = result.tally.breakdown(breakdown);
  }
  for (const auto& [name, value] : result.extra_counters) out[name] = value;
  return out;
}

json leaks_json(const StormResult& result) {
  json found = json::array();
  for (const Leak& leak : result.leaks)
    found.push_back({{"what", leak.what},
                     {"caller", leak.caller},
                     {"count", leak.count},
                     {"bytes", leak.bytes}});
  return {
      {"rests", result.rests}, {"slab_callers", result.slab_callers}, {"found", std::move(found)}};
}

json series_json(const StormResult& result) {
  json out = json::array();
  for (const Sample& sample : result.series) {
    json row = {{"time_ms", sample.time_ns / kNsPerMs}, {"reloads", sample.reloads}};
    for (size_t i = 0; i < kCounts; i++)
      row[std::string(count_name(static_cast<Count>(i)))] = sample.counts[i];
    out.push_back(std::move(row));
  }
  return out;
}

// The digest is text: not every reader of JSON has integers of 64 bits.
json plan_json(const StormResult& result) {
  json threads = json::object();
  for (const auto& [thread, done] : result.done)
    threads[thread] = {{"operations", done.operations()},
                       {"digest", fmt::format("{:016x}", done.value())}};
  return {{"max_hold_ns", result.max_hold_ns}, {"threads", std::move(threads)}};
}

json tracing_json(const Parameters& parameters, const StormResult& result) {
  json counters = json::object();
  if (result.snapshot) counters = result.snapshot->counters;
  return {{"on", result.traced},
          {"missing", result.not_traced},
          {"maps", parameters.maps},
          {"counters", counters}};
}

}  // namespace

std::map<std::string, Histogram> all_histograms(const StormResult& result) {
  std::map<std::string, Histogram> all;
  for (size_t i = 0; i < kLatencies; i++) {
    const auto latency = static_cast<Latency>(i);
    all[std::string(latency_name(latency))] = result.tally.histogram(latency);
  }
  if (!result.snapshot) return all;
  // The storm's own are of its calls, and stay; what tracing adds is the kernel's view.
  for (const auto& [name, raw] : result.snapshot->histograms) {
    const bool is_ours = name == "load_ns" || name == "unload_ns" || name == "reload_wait_ns";
    Histogram& histogram = all[is_ours ? "traced_" + name : name];
    if (raw.count == 0 && histogram.count() != 0) continue;
    histogram = Histogram();
    histogram.merge(raw);
  }
  return all;
}

std::string run_text(const json& run) {
  // Text that came from the kernel or a workload need not be UTF-8.
  const auto dump = [](const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
  };
  std::string text;
  for (const auto& [name, value] : run.items()) {
    text += (text.empty() ? "{\n\"" : ",\n\"") + name + "\": ";
    if (name != "series") {
      text += dump(value);
      continue;
    }
    for (size_t i = 0; i < value.size(); i++) text += (i == 0 ? "[\n" : ",\n") + dump(value[i]);
    text += "]";
  }
  return text + "\n}\n";
}

Status write_run(const std::string& folder, const json& run, const Parameters& parameters,
                 const StormResult& result) {
  if (parameters.timeline) {
    const std::string title = fmt::format("storm {}, seed {}", parameters.target, parameters.seed);
    if (Status written =
            write_text(folder + "/timeline.json", timeline_text(result.timeline, title));
        !written)
      return written;
  }
  return write_text(folder + "/run.json", run_text(run));
}

json run_json(const Context& context, const Parameters& parameters, const StormResult& result) {
  json histograms = json::object();
  for (const auto& [name, histogram] : all_histograms(result))
    histograms[name] = histogram.to_json();
  json drops = {{"log_lines", result.lost_log_lines}};
  if (result.snapshot)
    for (const auto& [name, number] : result.snapshot->drops) drops[name] = number;
  return {{"schema", kRunSchema},
          {"verdict", verdict_json(result)},
          {"context",
           {{"kernel", context.kernel},
            {"accel", context.accel},
            {"vcpus", context.vcpus},
            {"commit", context.commit},
            {"gate", context.gate ? "on" : "off"},
            {"seed", parameters.seed},
            {"started", context.started},
            {"elapsed_ns", result.elapsed_ns},
            {"interrupted", result.interrupted}}},
          {"parameters", parameters_json(parameters, result)},
          {"plan", plan_json(result)},
          {"counters", counters_json(result)},
          {"leaks", leaks_json(result)},
          {"histograms", std::move(histograms)},
          {"series", series_json(result)},
          {"tracing", tracing_json(parameters, result)},
          {"drops", std::move(drops)}};
}

}  // namespace raceless
