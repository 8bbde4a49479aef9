// SPDX-License-Identifier: GPL-2.0
#include "ratios.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <sstream>

namespace raceless {
namespace {

using nlohmann::json;

constexpr const char* kAtMost = "<=";
constexpr const char* kAtLeast = ">=";

const char* sign(Bound bound) { return bound == Bound::at_most ? kAtMost : kAtLeast; }

// By repetition, in the order of their indices: ns of each benchmark, and BENCHMARK.COUNTER.
using Repetitions = std::map<std::string, std::map<int, double>>;

double to_ns(const json& benchmark) {
  const std::string unit = benchmark.value("time_unit", "ns");
  const double factor = unit == "s" ? 1e9 : unit == "ms" ? 1e6 : unit == "us" ? 1e3 : 1;
  return benchmark.at("real_time").get<double>() * factor;
}

// The benchmark's own name, without what its settings add ("/iterations:1", "/manual_time").
std::string plain_name(const json& benchmark) {
  std::string name = benchmark.at("run_name").get<std::string>();
  for (const char* setting : {"/iterations:", "/repeats:", "/manual_time"})
    if (const size_t at = name.find(setting); at != std::string::npos) name.resize(at);
  return name;
}

Result<Repetitions> read_repetitions(const json& run) {
  Repetitions found;
  try {
    for (const json& benchmark : run.at("benchmarks")) {
      if (benchmark.value("run_type", "iteration") != "iteration") continue;
      const std::string name = plain_name(benchmark);
      if (benchmark.value("error_occurred", false))
        return fail(0, name + ": " + benchmark.value("error_message", "failed"));
      const int index = benchmark.value("repetition_index", 0);
      found[name][index] = to_ns(benchmark);
      for (const auto& [key, value] : benchmark.items())
        if (value.is_number()) found[fmt::format("{}.{}", name, key)][index] = value.get<double>();
    }
  } catch (const json::exception& error) {
    return fail(EINVAL, std::string("not a run of raceless-bench: ") + error.what());
  }
  return found;
}

double median(const std::map<int, double>& values) {
  std::vector<double> sorted;
  sorted.reserve(values.size());
  for (const auto& [index, value] : values) sorted.push_back(value);
  std::sort(sorted.begin(), sorted.end());
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// A goal's side: a benchmark, a counter of one, or a number, which each repetition has.
std::optional<std::map<int, double>> side(const Repetitions& repetitions, const std::string& name,
                                          const std::map<int, double>& other) {
  const auto found = repetitions.find(name);
  if (found != repetitions.end()) return found->second;
  char* end = nullptr;
  const double number = std::strtod(name.c_str(), &end);
  if (end == name.c_str() || *end != '\0' || other.empty()) return {};
  std::map<int, double> constant;
  for (const auto& [index, value] : other) constant[index] = number;
  return constant;
}

Ratio compute(const Goal& goal, const std::map<int, double>& above,
              const std::map<int, double>& below) {
  Ratio ratio{goal, median(above) / median(below), 0, 0};
  ratio.lowest = ratio.highest = ratio.value;
  for (const auto& [index, value] : above) {
    const auto other = below.find(index);
    if (other == below.end()) continue;
    ratio.lowest = std::min(ratio.lowest, value / other->second);
    ratio.highest = std::max(ratio.highest, value / other->second);
  }
  return ratio;
}

std::string context_of(const json& run, const char* key) {
  if (!run.contains("context") || !run["context"].is_object()) return "unknown";
  return run["context"].value(key, "unknown");
}

// What makes two files parts of one run.
std::string place_of(const json& run) {
  std::string place;
  for (const char* key : {"kernel", "accel", "vcpus", "commit", "clock"})
    place += context_of(run, key) + "\n";
  return place;
}

unsigned threads_of(const std::string& name) {
  constexpr std::string_view key = "/threads:";
  const size_t at = name.find(key);
  return at == std::string::npos ? 1
                                 : static_cast<unsigned>(std::stoul(name.substr(at + key.size())));
}

}  // namespace

Result<std::vector<Goal>> parse_goals(const std::string& text) {
  std::vector<Goal> goals;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    Goal goal;
    std::string bound;
    if (!(words >> goal.name >> goal.numerator >> goal.denominator >> bound >> goal.value) ||
        (bound != kAtMost && bound != kAtLeast))
      return fail(EINVAL, "not a goal (name, numerator, denominator, <= or >=, number): " + line);
    goal.bound = bound == kAtMost ? Bound::at_most : Bound::at_least;
    goals.push_back(goal);
  }
  return goals;
}

std::vector<json> merge_runs(const std::vector<json>& files) {
  std::vector<json> runs;
  for (const json& file : files) {
    const auto same = std::find_if(
        runs.begin(), runs.end(), [&](const json& run) { return place_of(run) == place_of(file); });
    const bool lists = file.contains("benchmarks") && file["benchmarks"].is_array();
    if (same == runs.end() || !lists || !(*same)["benchmarks"].is_array()) {
      runs.push_back(file);
      continue;
    }
    for (const json& benchmark : file["benchmarks"]) (*same)["benchmarks"].push_back(benchmark);
  }
  return runs;
}

Result<std::vector<std::optional<Ratio>>> compute_ratios(const json& run,
                                                         const std::vector<Goal>& goals) {
  const Result<Repetitions> repetitions = read_repetitions(run);
  if (!repetitions) return tl::unexpected(repetitions.error());
  std::vector<std::optional<Ratio>> ratios;
  for (const Goal& goal : goals) {
    const auto above = side(*repetitions, goal.numerator, {});
    const auto below = above ? side(*repetitions, goal.denominator, *above) : std::nullopt;
    if (below)
      ratios.emplace_back(compute(goal, *above, *below));
    else
      ratios.emplace_back();
  }
  return ratios;
}

json ratios_json(const json& run, const std::vector<std::optional<Ratio>>& ratios) {
  json list = json::array();
  for (const std::optional<Ratio>& ratio : ratios)
    if (ratio)
      list.push_back({{"name", ratio->goal.name},
                      {"kernel", context_of(run, "kernel")},
                      {"accel", context_of(run, "accel")},
                      {"vcpus", context_of(run, "vcpus")},
                      {"commit", context_of(run, "commit")},
                      {"clock", context_of(run, "clock")},
                      {"threads", threads_of(ratio->goal.numerator)},
                      {"numerator", ratio->goal.numerator},
                      {"denominator", ratio->goal.denominator},
                      {"value", ratio->value},
                      {"spread", {ratio->lowest, ratio->highest}},
                      {"goal", ratio->goal.value},
                      {"direction", sign(ratio->goal.bound)},
                      {"met", ratio->met()}});
  return list;
}

std::string ratio_table(const json& run, const std::vector<Goal>& goals,
                        const std::vector<std::optional<Ratio>>& ratios) {
  std::string text =
      fmt::format("kernel {}, {}, {} vCPUs, commit {}, medians of {}\n", context_of(run, "kernel"),
                  context_of(run, "accel"), context_of(run, "vcpus"), context_of(run, "commit"),
                  context_of(run, "clock"));
  text += fmt::format("{:<26} {:>8} {:>19} {:>9}\n", "ratio", "value", "lowest - highest", "goal");
  std::string absent;
  for (size_t i = 0; i < goals.size(); i++) {
    if (!ratios[i]) {
      absent += " " + goals[i].name;
      continue;
    }
    const Ratio& ratio = *ratios[i];
    text += fmt::format("{:<26} {:>8.3f} {:>8.3f} - {:<8.3f} {:>4} {:<5.4g} {}\n", ratio.goal.name,
                        ratio.value, ratio.lowest, ratio.highest, sign(ratio.goal.bound),
                        ratio.goal.value, ratio.met() ? "met" : "MISSED");
  }
  return absent.empty() ? text : text + "not run:" + absent + "\n";
}

}  // namespace raceless
