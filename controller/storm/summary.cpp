// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "clock.h"
#include "device.h"
#include "duration.h"
#include "storm/report.h"
#include "terminal.h"

namespace raceless {

namespace {

constexpr size_t kShownFindings = 5;

std::string join(const std::map<std::string, uint64_t>& breakdown) {
  std::string text;
  for (const auto& [key, number] : breakdown)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, number);
  return text;
}

std::string percent(uint64_t part, uint64_t whole) {
  if (whole == 0) return "";
  return fmt::format(" ({:.1f} %)", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

// Nobody could watch: a row that says nothing.
bool only_unknown(const std::map<std::string, uint64_t>& causes) {
  return causes.size() == 1 && causes.contains("unknown");
}

// "gets  1234  0 failed (0.0 %)  absent 3, flight 1"
void add_counts(Table& table, const StormResult& result) {
  const Tally& tally = result.tally;
  const Counts counts = tally.counts();
  const auto number = [&counts](Count count) { return get(counts, count); };
  const uint64_t gets = number(Count::gets);
  if (gets != 0) {
    const uint64_t failed = number(Count::get_failures);
    table.row({"gets", std::to_string(gets),
               fmt::format("{} failed{}", failed, percent(failed, gets)),
               join(tally.breakdown(Breakdown::get_failures_by_reason))});
    table.row({"  waited", std::to_string(number(Count::waits)), "for a publish"});
    table.row({"calls", std::to_string(number(Count::calls)),
               fmt::format("{} failed", number(Count::call_failures))});
  } else {
    const uint64_t uses = number(Count::uses);
    const uint64_t failed = number(Count::user_failures);
    table.row({"uses", std::to_string(uses),
               fmt::format("{} failed{}", failed, percent(failed, uses)),
               join(tally.breakdown(Breakdown::user_failures_by_errno))});
    if (failed != 0 && !only_unknown(tally.breakdown(Breakdown::user_failures_by_cause)))
      table.row({"  causes", "", "", join(tally.breakdown(Breakdown::user_failures_by_cause))});
  }
  table.row({"unloads", std::to_string(number(Count::unloads)),
             fmt::format("{} refused", number(Count::unload_failures)),
             join(tally.breakdown(Breakdown::unloads_by_outcome))});
  table.row({"reloads", std::to_string(result.reloads), "by request"});
  table.row({"loads", std::to_string(number(Count::loads)),
             fmt::format("{} refused", number(Count::load_failures)),
             join(tally.breakdown(Breakdown::loads_by_outcome))});
}

void add_latencies(Table& table, const StormResult& result) {
  struct Row {
    const char* label;
    const char* name;
  };
  constexpr std::array<Row, 9> kRows = {{{"grace period", "grace_ns"},
                                         {"drain", "drain_ns"},
                                         {"destroy", "destroy_ns"},
                                         {"reload wait", "reload_wait_ns"},
                                         {"get", "get_ns"},
                                         {"use", "use_ns"},
                                         {"failed use", "use_failed_ns"},
                                         {"unload", "unload_ns"},
                                         {"load", "load_ns"}}};
  table.row({"", "count", "p50", "p99", "max"});
  const std::map<std::string, Histogram> histograms = all_histograms(result);
  for (const Row& row : kRows) {
    const auto found = histograms.find(row.name);
    if (found == histograms.end() || found->second.count() == 0) continue;
    const Histogram& histogram = found->second;
    table.row({row.label, std::to_string(histogram.count()),
               format_duration(histogram.quantile(0.50)), format_duration(histogram.quantile(0.99)),
               format_duration(histogram.max())});
  }
}

std::string describe(const Finding& finding) {
  return fmt::format("  promise {} ({}), {:.3f} s, {}, instance {}:\n    {}\n", finding.promise,
                     promise_name(finding.promise), static_cast<double>(finding.when_ns) / 1e9,
                     finding.thread, finding.instance, finding.what);
}

std::string notes(const Parameters& parameters, const StormResult& result) {
  std::string text;
  for (const std::string& missing : result.not_traced)
    text += fmt::format("not traced: {}\n", missing);
  uint64_t drops = result.lost_log_lines;
  if (result.snapshot)
    for (const auto& [name, number] : result.snapshot->drops) drops += number;
  if (drops != 0)
    text += fmt::format("{} records were dropped: see \"drops\" in run.json\n", drops);
  if (result.expected_complaints != 0)
    text += fmt::format("{} warnings of the kernel about the failures counted here\n",
                        result.expected_complaints);
  const EventRecord& events = result.timeline.events;
  const uint64_t stride = std::max(events.step_sampling.stride, events.refusal_sampling.stride);
  if (parameters.timeline && stride > 1)
    text += fmt::format("timeline: a sample, down to one window of {} ms in {}\n",
                        kWindowNs / kNsPerMs, stride);
  if (parameters.leak_check_unloads != 0)
    text += fmt::format("leaks: {} found at {} rests{}{}\n", result.leaks.size(), result.rests,
                        result.rests < LeakCheck::least_rests ? ", too few to see growth" : "",
                        result.slab_callers ? ""
                                            : " (slab memory by cache alone; slub_debug=U "
                                              "would tell who allocated it)");
  if (result.unloaded_nothing())
    text += "nothing was unloaded: this storm shows nothing about unloading\n";
  if (result.interrupted) text += "interrupted: the storm was ended early\n";
  return text;
}

}  // namespace

std::string summary_text(const Context& context, const Parameters& parameters,
                         const StormResult& result) {
  std::string text = paint("storm " + parameters.target, Color::bold, stdout);
  const auto threads = [&result](Role role) {
    return result.crews[static_cast<size_t>(role)].threads;
  };
  text += fmt::format(", {}, {} loaders, {} unloaders, {} consumers\n",
                      format_duration(result.elapsed_ns), threads(Role::loader),
                      threads(Role::unloader), threads(Role::consumer));
  text += fmt::format("kernel {}, {}, {} vCPUs, commit {}, seed {}{}\n\n", context.kernel,
                      context.accel, context.vcpus, context.commit, parameters.seed,
                      context.gate ? ", gate on" : "");
  Table counts;
  add_counts(counts, result);
  text += counts.text() + "\n";
  Table latencies;
  add_latencies(latencies, result);
  text += latencies.text() + "\n" + result.target_lines + notes(parameters, result);

  if (result.passed())
    return text + "verdict: " + paint("pass", Color::green, stdout) + ", 0 broken promises\n";
  text += "verdict: " + paint("fail", Color::red, stdout) +
          fmt::format(", {} broken promises\n", result.nr_findings);
  for (size_t i = 0; i < result.findings.size() && i < kShownFindings; i++)
    text += describe(result.findings[i]);
  if (result.nr_findings > kShownFindings)
    text += fmt::format("  and {} more\n", result.nr_findings - kShownFindings);
  return text;
}

std::string progress_text(const Parameters& parameters, const Sample& sample) {
  const auto number = [&sample](Count count) { return get(sample.counts, count); };
  const double seconds = static_cast<double>(sample.time_ns) / 1e9;
  return fmt::format("{:.1f} of {:.0f} s: {} uses, {} failed, {} unloads, {} reloads, {} loads",
                     seconds, static_cast<double>(parameters.duration_ns) / 1e9,
                     number(Count::uses), number(Count::user_failures), number(Count::unloads),
                     sample.reloads, number(Count::loads));
}

}  // namespace raceless
