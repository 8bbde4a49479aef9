// SPDX-License-Identifier: GPL-2.0
// What all threads of a storm know together about the instances of one provider: enough to see,
// from user space, that an instance was destroyed under a reference, or that two were alive at
// once.
#ifndef RACELESS_CONTROLLER_TARGETS_INSTANCE_WATCH_H
#define RACELESS_CONTROLLER_TARGETS_INSTANCE_WATCH_H

#include <array>
#include <atomic>
#include <cstdint>

#include "storm/parameters.h"

namespace raceless {

// Instances are numbered in the order in which they come to life.
class InstanceWatch {
 public:
  // Its destroy has returned: an unloader was told so.
  void destroyed(uint64_t instance) {
    uint64_t last = last_destroyed_;
    while (last < instance && !last_destroyed_.compare_exchange_weak(last, instance)) {
    }
  }
  [[nodiscard]] uint64_t last_destroyed() const { return last_destroyed_; }

  // A consumer has a reference, from after its get until before its put. Returns an instance that
  // another consumer holds at this moment and that is not this one, or 0. (Both have entered what
  // they hold after they got it, and remove it before they put it: so both are alive.)
  [[nodiscard]] uint64_t hold(uint32_t consumer, uint64_t instance) {
    held_[consumer] = instance;
    for (const auto& slot : held_) {
      const uint64_t other = slot;
      if (other != 0 && other != instance) return other;
    }
    return 0;
  }
  void drop(uint32_t consumer) { held_[consumer] = 0; }

 private:
  std::atomic<uint64_t> last_destroyed_ = 0;
  std::array<std::atomic<uint64_t>, kMaxThreads> held_{};
};

}  // namespace raceless

#endif
