// SPDX-License-Identifier: GPL-2.0
#include "report/changes.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "duration.h"
#include "terminal.h"

namespace raceless {

namespace {

using nlohmann::json;

std::string ratio(double base, double now) {
  return base == 0 ? "" : fmt::format("{:.3g}", now / base);
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string run_key(const StoredRun& stored) {
  const json& context = stored.run.at("context");
  return fmt::format("storm {}, {}, gate {}", text_of(stored.run.at("parameters").at("target")),
                     text_of(context.at("kernel")), text_of(context.at("gate")));
}

double per_second(const json& run, const std::string& counter) {
  const auto elapsed_ns = run.at("context").at("elapsed_ns").get<double>();
  return elapsed_ns == 0 ? 0 : run.at("counters").at(counter).get<double>() * 1e9 / elapsed_ns;
}

double percent(const json& run, const char* part, const char* all) {
  const json& counters = run.at("counters");
  const auto whole = counters.at(all).get<double>();
  return whole == 0 ? 0 : 100 * counters.at(part).get<double>() / whole;
}

// Rows of what differs, and a count of what does not.
class Rows {
 public:
  Rows() { table_.row({"", "base", "now", "now/base"}); }

  void text(const std::string& name, const std::string& base, const std::string& now) {
    if (base == now) return same();
    add({name, base, now, ""});
  }
  void number(const std::string& name, double base, double now, const char* unit) {
    const std::string from = fmt::format("{:.3g}{}", base, unit);
    const std::string to = fmt::format("{:.3g}{}", now, unit);
    if (from == to) return same();
    add({name, from, to, ratio(base, now)});
  }
  // What is not more precise than a bucket, an eighth, does not differ by less.
  void latency(const std::string& name, uint64_t base, uint64_t now) {
    if (now * 8 <= base * 9 && base * 8 <= now * 9) return same();
    add({name, format_duration(base), format_duration(now),
         ratio(static_cast<double>(base), static_cast<double>(now))});
  }

  [[nodiscard]] std::string text() const {
    const std::string rest = same_ == 0 ? "" : fmt::format("{} more are the same\n", same_);
    return (differs_ ? table_.text() : "") + rest;
  }

 private:
  void same() { same_++; }
  void add(std::vector<std::string> cells) {
    differs_ = true;
    table_.row(std::move(cells));
  }

  Table table_;
  bool differs_ = false;
  size_t same_ = 0;
};

void compare_latencies(const json& base, const json& now, Rows& rows) {
  for (const auto& [name, histogram] : now.at("histograms").items()) {
    const json& all = base.at("histograms");
    if (!all.contains(name) || all[name].at("count") == 0 || histogram.at("count") == 0) continue;
    for (const char* quantile : {"p50", "p99"})
      rows.latency(fmt::format("{} {}", name.substr(0, name.rfind("_ns")), quantile),
                   all[name].at(quantile), histogram.at(quantile));
  }
}

std::string compare_runs(const json& base, const json& now) {
  Rows rows;
  rows.text("verdict", base.at("verdict").at("result"), now.at("verdict").at("result"));
  for (const char* name : {"kernel", "accel", "vcpus", "gate", "commit", "seed"})
    rows.text(name, text_of(base.at("context").at(name)), text_of(now.at("context").at(name)));
  for (const char* name : {"target", "workload", "loaders", "unloaders", "consumers"})
    rows.text(name, text_of(base.at("parameters").at(name)),
              text_of(now.at("parameters").at(name)));
  rows.number("broken promises", base.at("verdict").at("nr_broken"),
              now.at("verdict").at("nr_broken"), "");
  rows.number("leaks", static_cast<double>(base.at("leaks").at("found").size()),
              static_cast<double>(now.at("leaks").at("found").size()), "");
  for (const char* name : {"uses", "gets", "waits", "loads", "unloads", "reloads"})
    rows.number(name, per_second(base, name), per_second(now, name), " /s");
  rows.number("failed uses", percent(base, "user_failures", "uses"),
              percent(now, "user_failures", "uses"), " %");
  rows.number("failed gets", percent(base, "get_failures", "gets"),
              percent(now, "get_failures", "gets"), " %");
  compare_latencies(base, now, rows);
  return rows.text();
}

// By name, kernel and clock: a number and the spread around it.
struct Figure {
  double value = 0;
  double least = 0;
  double most = 0;
  std::string unit;
};
using Figures = std::map<std::string, Figure>;

std::string place(const json& context) {
  return fmt::format("{}, {} vCPUs, clock: {}", text_of(context.at("kernel")),
                     text_of(context.at("vcpus")), text_of(context.at("clock")));
}

std::map<std::string, Figures> figures_of(const Inputs& inputs) {
  std::map<std::string, Figures> all;
  for (const Ratios& file : inputs.ratios)
    for (const json& one : file.ratios)
      all["ratios, " + place(one)][one.at("name")] = {one.at("value"), one.at("spread").at(0),
                                                      one.at("spread").at(1), ""};
  for (const BenchmarkFile& file : inputs.benchmarks)
    for (const Benchmark& one : file.benchmarks)
      all["benchmarks, " + place(file.context)][one.name] = {one.median, one.least, one.most,
                                                             " " + one.unit};
  return all;
}

// Repetitions of one that reach into those of the other are no change.
std::string compare_figures(const Figures& base, const Figures& now) {
  Table table;
  table.row({"", "base", "now", "now/base", "spread of base", "spread of now"});
  size_t same = 0;
  bool differs = false;
  for (const auto& [name, after] : now) {
    const auto found = base.find(name);
    if (found == base.end()) continue;
    const Figure& before = found->second;
    if (after.least <= before.most && before.least <= after.most) {
      same++;
      continue;
    }
    differs = true;
    table.row({name, fmt::format("{:.3g}{}", before.value, before.unit),
               fmt::format("{:.3g}{}", after.value, after.unit), ratio(before.value, after.value),
               fmt::format("{:.3g} to {:.3g}", before.least, before.most),
               fmt::format("{:.3g} to {:.3g}", after.least, after.most)});
  }
  const std::string rest =
      same == 0 ? "" : fmt::format("{} more have spreads that overlap\n", same);
  return (differs ? table.text() : "") + rest;
}

const StoredRun* partner(const Inputs& base, const Inputs& now, const StoredRun& run) {
  if (base.runs.size() == 1 && now.runs.size() == 1) return &base.runs.front();
  for (const StoredRun& other : base.runs)
    if (run_key(other) == run_key(run)) return &other;
  return nullptr;
}

}  // namespace

Result<std::string> changes_text(const Inputs& base, const Inputs& now) {
  std::string text;
  for (const StoredRun& run : now.runs) {
    const StoredRun* before = partner(base, now, run);
    if (before == nullptr) continue;
    text += fmt::format("{}{}\nbase {}\nnow  {}\n{}", text.empty() ? "" : "\n", run_key(run),
                        before->path, run.path, compare_runs(before->run, run.run));
  }
  const std::map<std::string, Figures> before = figures_of(base);
  for (const auto& [group, figures] : figures_of(now)) {
    const auto found = before.find(group);
    if (found == before.end()) continue;
    text += fmt::format("{}{}\n{}", text.empty() ? "" : "\n", group,
                        compare_figures(found->second, figures));
  }
  if (text.empty())
    return fail(0,
                "nothing of the one has a partner in the other: runs are paired by target, "
                "kernel and gate, benchmarks by name, kernel and clock");
  return text;
}

}  // namespace raceless
