// SPDX-License-Identifier: GPL-2.0
#include "soak/trend.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace raceless {

namespace {

constexpr double kNormal99 = 2.576;  // of both sides

double median(const std::vector<double>& sorted) {
  const size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

}  // namespace

Trend trend_of(const std::vector<Measured>& measured) {
  std::map<size_t, std::vector<Measured>> kinds;
  for (const Measured& one : measured) kinds[one.kind].push_back(one);

  std::vector<double> slopes;
  double variance = 0;  // of Kendall's S, if nothing moves
  for (const auto& [kind, moments] : kinds) {
    const auto number = static_cast<double>(moments.size());
    variance += number * (number - 1) * (2 * number + 5) / 18;
    for (size_t i = 0; i < moments.size(); i++)
      for (size_t j = i + 1; j < moments.size(); j++)
        if (moments[j].time_h != moments[i].time_h)
          slopes.push_back((moments[j].value - moments[i].value) /
                           (moments[j].time_h - moments[i].time_h));
  }
  Trend trend;
  if (slopes.empty()) return trend;
  std::ranges::sort(slopes);
  trend.slope = median(slopes);
  const double margin = (static_cast<double>(slopes.size()) - kNormal99 * std::sqrt(variance)) / 2;
  if (margin < 1) return trend;
  const auto outside = static_cast<size_t>(margin);  // slopes on each side
  trend.judged = true;
  trend.low = slopes[outside - 1];
  trend.high = slopes[slopes.size() - outside];
  return trend;
}

}  // namespace raceless
