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

// Sorted: those between two moments of one kind.
std::vector<double> slopes_of(const std::vector<Measured>& measured) {
  std::vector<double> slopes;
  for (size_t i = 0; i < measured.size(); i++)
    for (size_t j = i + 1; j < measured.size(); j++)
      if (measured[j].kind == measured[i].kind && measured[j].time_h != measured[i].time_h)
        slopes.push_back((measured[j].value - measured[i].value) /
                         (measured[j].time_h - measured[i].time_h));
  std::ranges::sort(slopes);
  return slopes;
}

// By more pairs than not; where there is no pair, nothing speaks against it.
bool goes_up(const std::vector<Measured>& measured) {
  const std::vector<double> slopes = slopes_of(measured);
  const auto ups = std::ranges::count_if(slopes, [](double slope) { return slope > 0; });
  const auto downs = std::ranges::count_if(slopes, [](double slope) { return slope < 0; });
  return slopes.empty() || ups > downs;
}

}  // namespace

Trend trend_of(const std::vector<Measured>& measured) {
  std::map<size_t, double> kinds;
  for (const Measured& one : measured) kinds[one.kind]++;
  double variance = 0;  // of Kendall's S, if nothing moves
  for (const auto& [kind, number] : kinds)
    variance += number * (number - 1) * (2 * number + 5) / 18;

  Trend trend;
  const std::vector<double> slopes = slopes_of(measured);
  if (slopes.empty()) return trend;
  trend.slope = median(slopes);
  const double margin = (static_cast<double>(slopes.size()) - kNormal99 * std::sqrt(variance)) / 2;
  if (margin < 1) return trend;
  const auto outside = static_cast<size_t>(margin);  // slopes on each side
  trend.judged = true;
  trend.low = slopes[outside - 1];
  trend.high = slopes[slopes.size() - outside];
  const auto half = measured.begin() + static_cast<std::ptrdiff_t>(measured.size() / 2);
  trend.goes_on = goes_up({measured.begin(), half}) && goes_up({half, measured.end()});
  return trend;
}

}  // namespace raceless
