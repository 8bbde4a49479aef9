// SPDX-License-Identifier: GPL-2.0
// Says that the storm is over, and ends the pause of everyone who waits for something else. Or that
// it rests: workers then wait between two operations.
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

  void rest() {
    const std::lock_guard lock(mutex_);
    resting_ = true;
  }
  void go_on() {
    const std::lock_guard lock(mutex_);
    resting_ = false;
    changed_.notify_all();
  }
  // Of a worker, between two operations.
  void wait_while_resting() {
    std::unique_lock lock(mutex_);
    waiting_++;
    changed_.wait(lock, [this] { return !resting_ || stopped(); });
    waiting_--;
  }
  // How many workers wait for the end of the rest.
  [[nodiscard]] size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return resting_ ? waiting_ : 0;
  }

  // Sleeps, or returns early because the storm is over.
  void pause(uint64_t ns) {
    if (ns == 0 || stopped()) return;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::nanoseconds(ns), [this] { return stopped(); });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> stopped_ = false;
  bool resting_ = false;
  size_t waiting_ = 0;
};

}  // namespace raceless

#endif
