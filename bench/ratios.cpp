// SPDX-License-Identifier: GPL-2.0
#include "ratios.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <sstream>

namespace raceless {
namespace {

using nlohmann::json;

// ns by repetition, in the order of their indices, of each benchmark.
using Repetitions = std::map<std::string, std::map<int, double>>;

double to_ns(const json& benchmark) {
  const std::string unit = benchmark.value("time_unit", "ns");
  const double factor = unit == "s" ? 1e9 : unit == "ms" ? 1e6 : unit == "us" ? 1e3 : 1;
  return benchmark.at("real_time").get<double>() * factor;
}

// The benchmark's own name, without what its settings add ("/manual_time", "/repeats:5").
std::string plain_name(const json& benchmark) {
  std::string name = benchmark.at("run_name").get<std::string>();
  const size_t settings = name.find("/manual_time");
  return settings == std::string::npos ? name : name.substr(0, settings);
}

Result<Repetitions> read_repetitions(const json& run) {
  Repetitions found;
  try {
    for (const json& benchmark : run.at("benchmarks")) {
      if (benchmark.value("run_type", "iteration") != "iteration") continue;
      const std::string name = plain_name(benchmark);
      if (benchmark.value("error_occurred", false))
        return fail(0, name + ": " + benchmark.value("error_message", "failed"));
      found[name][benchmark.value("repetition_index", 0)] = to_ns(benchmark);
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
  return run.contains("context") ? run["context"].value(key, "unknown") : "unknown";
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
    if (!(words >> goal.name >> goal.numerator >> goal.denominator >> goal.at_most))
      return fail(EINVAL, "not a goal (name, numerator, denominator, number): " + line);
    goals.push_back(goal);
  }
  return goals;
}

Result<std::vector<std::optional<Ratio>>> compute_ratios(const json& run,
                                                         const std::vector<Goal>& goals) {
  const Result<Repetitions> repetitions = read_repetitions(run);
  if (!repetitions) return tl::unexpected(repetitions.error());
  std::vector<std::optional<Ratio>> ratios;
  for (const Goal& goal : goals) {
    const auto above = repetitions->find(goal.numerator);
    const auto below = repetitions->find(goal.denominator);
    if (above == repetitions->end() || below == repetitions->end())
      ratios.emplace_back();
    else
      ratios.emplace_back(compute(goal, above->second, below->second));
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
                      {"threads", threads_of(ratio->goal.numerator)},
                      {"numerator", ratio->goal.numerator},
                      {"denominator", ratio->goal.denominator},
                      {"value", ratio->value},
                      {"spread", {ratio->lowest, ratio->highest}},
                      {"goal", ratio->goal.at_most},
                      {"reached", ratio->reached()}});
  return list;
}

std::string ratio_table(const json& run, const std::vector<Goal>& goals,
                        const std::vector<std::optional<Ratio>>& ratios) {
  std::string text =
      fmt::format("kernel {}, {}, {} vCPUs, commit {}\n", context_of(run, "kernel"),
                  context_of(run, "accel"), context_of(run, "vcpus"), context_of(run, "commit"));
  text += fmt::format("{:<22} {:>8} {:>17} {:>8}\n", "ratio of medians", "value", "lowest-highest",
                      "goal");
  for (size_t i = 0; i < goals.size(); i++) {
    if (!ratios[i]) {
      text += fmt::format("{:<22} {:>8}\n", goals[i].name, "not run");
      continue;
    }
    const Ratio& ratio = *ratios[i];
    text += fmt::format("{:<22} {:>8.3f} {:>8.3f}-{:<8.3f} {:>8.2f} {}\n", ratio.goal.name,
                        ratio.value, ratio.lowest, ratio.highest, ratio.goal.at_most,
                        ratio.reached() ? "reached" : "MISSED");
  }
  return text;
}

}  // namespace raceless
