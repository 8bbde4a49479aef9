// SPDX-License-Identifier: GPL-2.0
// How long gets waited for each replacement, in units of what the replacement itself took.
#ifndef RACELESS_CONTROLLER_TARGETS_REPLACE_LOG_H
#define RACELESS_CONTROLLER_TARGETS_REPLACE_LOG_H

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace raceless {

// Used by all threads. A replacement and the gets that waited for it find each other by the publish
// that ended the one and satisfied the others; either may be told first.
class ReplaceLog {
 public:
  void waited(uint64_t publish, uint64_t ns) {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[publish];
    entry.longest_wait_ns = std::max(entry.longest_wait_ns, ns);
  }
  // Its unload and its load took so long together.
  void replaced(uint64_t publish, uint64_t own_ns) {
    const std::lock_guard lock(mutex_);
    entries_[publish].own_ns = own_ns;
  }

  // The longest wait of each replacement divided by its own time, in thousandths, ascending; 0
  // where nobody waited. Waits for other publishes are left out.
  [[nodiscard]] std::vector<uint64_t> permille() const {
    const std::lock_guard lock(mutex_);
    std::vector<uint64_t> ratios;
    for (const auto& [publish, entry] : entries_)
      if (entry.own_ns != 0) ratios.push_back(1000 * entry.longest_wait_ns / entry.own_ns);
    std::ranges::sort(ratios);
    return ratios;
  }

 private:
  struct Entry {
    uint64_t longest_wait_ns = 0;
    uint64_t own_ns = 0;
  };

  mutable std::mutex mutex_;
  std::map<uint64_t, Entry> entries_;
};

// The smallest value that so many of a hundred do not exceed; 0 if there is none.
[[nodiscard]] inline uint64_t percentile(const std::vector<uint64_t>& ascending, uint64_t percent) {
  if (ascending.empty()) return 0;
  const uint64_t rank = (ascending.size() * percent + 99) / 100;
  return ascending[std::max<uint64_t>(rank, 1) - 1];
}

}  // namespace raceless

#endif
