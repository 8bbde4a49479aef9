// SPDX-License-Identifier: GPL-2.0
// The numbers of one thread of a storm, and their sum over all threads.
#ifndef RACELESS_CONTROLLER_STORM_TALLY_H
#define RACELESS_CONTROLLER_STORM_TALLY_H

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "histogram.h"

namespace raceless {

enum class Count : uint8_t {
  uses,           // what a consumer tried, whatever the target: a get, a mount, a socket…
  user_failures,  // uses that ended in an error for the user
  gets,           // references asked of the registry, by descriptor or by name
  get_failures,
  waits,  // gets that had to wait for a publish
  calls,  // of provider code
  call_failures,
  loads,  // by loaders; loads that a request caused are reloads
  load_failures,
  unloads,
  unload_failures,  // refused: in use, absent, on its way
};
constexpr size_t kCounts = 11;
[[nodiscard]] std::string_view count_name(Count count);

enum class Latency : uint8_t {
  get,
  reload_wait,  // of the gets that waited
  call,
  use,
  use_failed,
  load,
  unload,         // the whole unload, as its caller sees it
  delete_module,  // delete_module(2) alone, if it succeeded
  stop,
  grace,
  drain,
  destroy,
};
constexpr size_t kLatencies = 12;
[[nodiscard]] std::string_view latency_name(Latency latency);

// Counts by a name that is only known when it happens.
enum class Breakdown : uint8_t {
  get_failures_by_reason,
  user_failures_by_errno,
  user_failures_by_cause,
  loads_by_outcome,
  unloads_by_outcome,
};
constexpr size_t kBreakdowns = 5;
[[nodiscard]] std::string_view breakdown_name(Breakdown breakdown);

// All totals, copied at one moment.
using Counts = std::array<uint64_t, kCounts>;
[[nodiscard]] inline uint64_t get(const Counts& counts, Count count) {
  return counts[static_cast<size_t>(count)];
}

// "EBUSY", "errno 599", and "ok" for 0.
[[nodiscard]] std::string outcome_name(int error);

// Written by one thread. counts() may be read by any other meanwhile; the rest only after the
// thread has ended.
class Tally {
 public:
  void add(Count count) {
    auto& value = counts_[static_cast<size_t>(count)];
    value.store(value.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void record(Latency latency, uint64_t ns) {
    histograms_[static_cast<size_t>(latency)].record(ns);
  }
  void add(Breakdown breakdown, const std::string& key, uint64_t number = 1) {
    breakdowns_[static_cast<size_t>(breakdown)][key] += number;
  }

  void merge(const Tally& other);

  [[nodiscard]] Counts counts() const;
  [[nodiscard]] const Histogram& histogram(Latency latency) const {
    return histograms_[static_cast<size_t>(latency)];
  }
  [[nodiscard]] const std::map<std::string, uint64_t>& breakdown(Breakdown breakdown) const {
    return breakdowns_[static_cast<size_t>(breakdown)];
  }

 private:
  std::array<std::atomic<uint64_t>, kCounts> counts_{};
  std::array<Histogram, kLatencies> histograms_;
  std::array<std::map<std::string, uint64_t>, kBreakdowns> breakdowns_;
};

}  // namespace raceless

#endif
