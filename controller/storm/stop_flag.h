// SPDX-License-Identifier: GPL-2.0
// Says that the storm is over, and ends the pause of everyone who waits for something else.
#ifndef RACELESS_CONTROLLER_STORM_STOP_FLAG_H
#define RACELESS_CONTROLLER_STORM_STOP_FLAG_H

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace raceless {

class StopFlag {
 public:
  [[nodiscard]] bool stopped() const { return stopped_.load(std::memory_order_relaxed); }

  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

  // Sleeps, or returns early because the storm is over.
  void pause(uint64_t ns) {
    if (ns == 0 || stopped()) return;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::nanoseconds(ns), [this] { return stopped(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> stopped_ = false;
};

}  // namespace raceless

#endif
