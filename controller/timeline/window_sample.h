// SPDX-License-Identifier: GPL-2.0
// A bounded record of something that may last for hours: all of it while there is room, then all of
// every second window of time, of every fourth, … What happened together is kept together, and two
// samples of one stride are of the same windows.
#ifndef RACELESS_CONTROLLER_TIMELINE_WINDOW_SAMPLE_H
#define RACELESS_CONTROLLER_TIMELINE_WINDOW_SAMPLE_H

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "clock.h"

namespace raceless {

constexpr uint64_t kWindowNs = 20 * kNsPerMs;

// What was kept, of how much.
struct Sampling {
  uint64_t seen = 0;
  uint64_t kept = 0;
  uint64_t stride = 1;  // of so many windows one is kept

  bool operator==(const Sampling&) const = default;
};

template <typename T>
class WindowSample {
 public:
  explicit WindowSample(size_t most) : most_(most) {}

  void add(uint64_t time_ns, const T& item) {
    seen_++;
    const uint64_t window = time_ns / kWindowNs;
    if (window % stride_ != 0) return;
    while (items_.size() >= most_) {
      // One window alone is too much: its end is lost. The count says so.
      if (items_.front().first == items_.back().first && window == items_.back().first) return;
      stride_ *= 2;
      thin();
      if (window % stride_ != 0) return;
    }
    items_.emplace_back(window, item);
  }

  [[nodiscard]] Sampling sampling() const { return {seen_, items_.size(), stride_}; }

  [[nodiscard]] std::vector<T> items() const {
    std::vector<T> all;
    all.reserve(items_.size());
    for (const auto& [window, item] : items_) all.push_back(item);
    return all;
  }

 private:
  void thin() {
    std::erase_if(items_, [this](const auto& kept) { return kept.first % stride_ != 0; });
  }

  size_t most_;
  uint64_t seen_ = 0;
  uint64_t stride_ = 1;
  std::vector<std::pair<uint64_t, T>> items_;  // with their windows
};

}  // namespace raceless

#endif
