// SPDX-License-Identifier: GPL-2.0
#include "soak/judgement.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace raceless {

namespace {

constexpr double kNsPerHour = 3600e9;
// Caches fill and lists reach their length in the first turns of each target.
constexpr uint64_t kWarmUpRounds = 1;
constexpr uint64_t kLongSoakRounds = 8;  // from here on there are enough for one more

using Value = std::function<double(const Reading& reading)>;
using Moments = std::vector<const Moment*>;

double hours(uint64_t ns) { return static_cast<double>(ns) / kNsPerHour; }

// The target whose turns added most, by what was there before and after each.
std::string most_in(const SoakRecord& record, const Moments& moments, const Value& value,
                    double sign) {
  std::map<size_t, double> added;
  for (size_t i = 1; i < moments.size(); i++)
    added[moments[i]->target] +=
        sign * (value(moments[i]->reading) - value(moments[i - 1]->reading));
  const auto most = std::ranges::max_element(
      added, [](const auto& one, const auto& other) { return one.second < other.second; });
  return most == added.end() ? "" : record.targets[most->first].name;
}

QuantityTrend measure(const SoakRecord& record, const Moments& moments, const Quantity& quantity,
                      const Value& value) {
  QuantityTrend row;
  row.name = quantity.name;
  row.unit = quantity.unit;
  row.falls = quantity.falls;
  row.bound = quantity.bound;
  if (moments.empty()) return row;
  row.first = value(moments.front()->reading);
  row.last = value(moments.back()->reading);
  const double sign = quantity.falls ? -1 : 1;
  std::vector<Measured> measured;
  for (const Moment* moment : moments)
    measured.push_back({hours(moment->time_ns), sign * value(moment->reading),
                        moment->target * 2 + (moment->traced ? 1 : 0)});
  row.trend = trend_of(measured);
  row.growth = row.trend.slope * hours(moments.back()->time_ns - moments.front()->time_ns);
  if (!row.trend.judged) return row;
  row.movement = !row.trend.grows()        ? Movement::flat
                 : row.growth <= row.bound ? Movement::bounded
                                           : Movement::grows;
  if (row.movement == Movement::grows) row.most_in = most_in(record, moments, value, sign);
  return row;
}

double cached(const Reading& reading, const std::string& cache) {
  const auto found = reading.caches.find(cache);
  return found == reading.caches.end() ? 0 : found->second;
}

}  // namespace

const char* movement_name(Movement movement) {
  switch (movement) {
    case Movement::flat:
      return "flat";
    case Movement::bounded:
      return "within bound";
    case Movement::grows:
      return "GROWS";
    case Movement::unjudged:
      break;
  }
  return "too few turns";
}

bool Judgement::grows() const {
  const auto leak = [](const QuantityTrend& row) { return row.movement == Movement::grows; };
  return std::ranges::any_of(quantities, leak) || std::ranges::any_of(caches, leak);
}

Judgement judge(const SoakRecord& record) {
  Judgement judgement;
  if (record.moments.empty()) return judgement;
  const uint64_t rounds = record.moments.back().round + 1;
  judgement.warm_up_rounds = kWarmUpRounds + (rounds >= kLongSoakRounds ? 1 : 0);
  Moments moments;
  for (const Moment& moment : record.moments)
    if (moment.round >= judgement.warm_up_rounds) moments.push_back(&moment);
  judgement.moments = moments.size();
  if (!moments.empty()) {
    judgement.hours = hours(moments.back()->time_ns - moments.front()->time_ns);
    judgement.lifecycles = moments.back()->lifecycles - moments.front()->lifecycles;
  }

  for (size_t i = 0; i < kQuantities.size(); i++)
    judgement.quantities.push_back(
        measure(record, moments, kQuantities[i],
                [i](const Reading& reading) { return reading.values[i]; }));
  judgement.judged = std::ranges::all_of(judgement.quantities, [](const QuantityTrend& row) {
    return row.movement != Movement::unjudged;
  });

  const double bound =
      std::max(kCacheBound, static_cast<double>(judgement.lifecycles) / kCacheBoundLifecycles);
  std::set<std::string> caches;
  for (const Moment* moment : moments)
    for (const auto& [cache, objects] : moment->reading.caches) caches.insert(cache);
  for (const std::string& cache : caches) {
    const QuantityTrend row =
        measure(record, moments, {cache, Unit::objects, bound},
                [&cache](const Reading& reading) { return cached(reading, cache); });
    if (row.trend.grows()) judgement.caches.push_back(row);
  }
  return judgement;
}

bool passed(const SoakRecord& record, const Judgement& judgement) {
  return record.lifecycles() != 0 && !record.idle() && record.failed.empty() && !record.stuck &&
         judgement.judged && !judgement.grows();
}

}  // namespace raceless
