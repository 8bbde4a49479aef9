// SPDX-License-Identifier: GPL-2.0
#include "histogram.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace raceless {

void Histogram::record(uint64_t ns) {
  raw_.count++;
  raw_.sum += ns;
  raw_.max = std::max<uint64_t>(raw_.max, ns);
  raw_.buckets[raceless_hist_bucket(ns)]++;
}

void Histogram::merge(const raceless_hist& other) {
  raw_.count += other.count;
  raw_.sum += other.sum;
  raw_.max = std::max(raw_.max, other.max);
  for (uint32_t bucket = 0; bucket < RACELESS_HIST_BUCKETS; bucket++)
    raw_.buckets[bucket] += other.buckets[bucket];
}

uint64_t Histogram::quantile(double q) const {
  if (raw_.count == 0) return 0;
  const double wanted = std::ceil(q * static_cast<double>(raw_.count));
  const uint64_t rank = std::clamp<uint64_t>(static_cast<uint64_t>(wanted), 1, raw_.count);
  uint64_t seen = 0;
  for (uint32_t bucket = 0; bucket + 1 < RACELESS_HIST_BUCKETS; bucket++) {
    seen += raw_.buckets[bucket];
    if (seen >= rank) return std::min<uint64_t>(raceless_hist_lower(bucket + 1) - 1, raw_.max);
  }
  return raw_.max;
}

nlohmann::json Histogram::to_json() const {
  nlohmann::json buckets = nlohmann::json::array();
  for (uint32_t bucket = 0; bucket < RACELESS_HIST_BUCKETS; bucket++) {
    if (raw_.buckets[bucket] != 0)
      buckets.push_back({static_cast<uint64_t>(raceless_hist_lower(bucket)),
                         static_cast<uint64_t>(raw_.buckets[bucket])});
  }
  return {{"count", count()},      {"sum", sum()},          {"max", max()},
          {"p50", quantile(0.50)}, {"p99", quantile(0.99)}, {"buckets", std::move(buckets)}};
}

}  // namespace raceless
