// SPDX-License-Identifier: GPL-2.0
// Latencies in the bucket layout that module, BPF and controller share.
#ifndef RACELESS_CONTROLLER_HISTOGRAM_H
#define RACELESS_CONTROLLER_HISTOGRAM_H

// The shared header is C.
#define _Static_assert static_assert
#include "uapi/histogram.h"
#undef _Static_assert

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

namespace raceless {

class Histogram {
 public:
  void record(uint64_t ns);
  void merge(const Histogram& other) { merge(other.raw_); }
  void merge(const raceless_hist& other);

  [[nodiscard]] uint64_t count() const { return raw_.count; }
  [[nodiscard]] uint64_t sum() const { return raw_.sum; }
  [[nodiscard]] uint64_t max() const { return raw_.max; }
  [[nodiscard]] const raceless_hist& raw() const { return raw_; }

  // A value that at least a fraction q of all values does not exceed: the upper end of the bucket
  // (at most 12.5 % too high), and never more than max(). 0 if nothing was recorded.
  [[nodiscard]] uint64_t quantile(double q) const;

  // {count, sum, max, p50, p99, buckets: [[lower bound, count]…]}, empty buckets left out.
  [[nodiscard]] nlohmann::json to_json() const;

 private:
  raceless_hist raw_{};
};

}  // namespace raceless

#endif
