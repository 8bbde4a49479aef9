// SPDX-License-Identifier: GPL-2.0
// Ratios of one run of raceless-bench, beside their goals.
#ifndef RACELESS_BENCH_RATIOS_H
#define RACELESS_BENCH_RATIOS_H

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "result.h"

namespace raceless {

enum class Bound { at_most, at_least };

// A line of bench/goals. A side is a benchmark, BENCHMARK.COUNTER, or (the denominator) a number.
struct Goal {
  std::string name;
  std::string numerator;
  std::string denominator;
  Bound bound = Bound::at_most;
  double value = 0;
};

[[nodiscard]] Result<std::vector<Goal>> parse_goals(const std::string& text);

struct Ratio {
  Goal goal;
  double value = 0;   // of the medians
  double lowest = 0;  // of the repetitions, one by one
  double highest = 0;
  [[nodiscard]] bool met() const {
    return goal.bound == Bound::at_most ? value <= goal.value : value >= goal.value;
  }
};

// The parts of raceless-bench write a file each: those of one kernel, clock and machine become one
// run, in the order of their first files.
[[nodiscard]] std::vector<nlohmann::json> merge_runs(const std::vector<nlohmann::json>& files);

// Google Benchmark's JSON. nullopt for a goal of which the run has not both sides (a benchmark of
// four threads on two CPUs).
[[nodiscard]] Result<std::vector<std::optional<Ratio>>> compute_ratios(
    const nlohmann::json& run, const std::vector<Goal>& goals);

// An array: each with its context, so that those of several runs can stand side by side.
[[nodiscard]] nlohmann::json ratios_json(const nlohmann::json& run,
                                         const std::vector<std::optional<Ratio>>& ratios);

// For people: one line a goal.
[[nodiscard]] std::string ratio_table(const nlohmann::json& run, const std::vector<Goal>& goals,
                                      const std::vector<std::optional<Ratio>>& ratios);

}  // namespace raceless

#endif
