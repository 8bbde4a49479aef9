// SPDX-License-Identifier: GPL-2.0
// Waiting for what the kernel finishes in its own time: RCU callbacks, workqueues, last puts.
#ifndef RACELESS_CONTROLLER_TARGETS_EVENTUALLY_H
#define RACELESS_CONTROLLER_TARGETS_EVENTUALLY_H

#include <unistd.h>

#include "clock.h"

namespace raceless {

// True as soon as the condition holds, false if it does not within 10 seconds.
template <typename Condition>
[[nodiscard]] bool eventually(const Condition& condition) {
  constexpr uint64_t kPatienceNs = 10 * kNsPerSecond;
  constexpr useconds_t kPollUs = 20'000;
  const uint64_t deadline_ns = now_ns() + kPatienceNs;
  while (!condition()) {
    if (now_ns() > deadline_ns) return false;
    usleep(kPollUs);
  }
  return true;
}

}  // namespace raceless

#endif
