// SPDX-License-Identifier: GPL-2.0
// CLOCK_MONOTONIC, which is also the clock of the module and of BPF.
#ifndef RACELESS_CONTROLLER_CLOCK_H
#define RACELESS_CONTROLLER_CLOCK_H

#include <cstdint>
#include <ctime>

namespace raceless {

constexpr uint64_t kNsPerUs = 1'000;
constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kNsPerSecond = 1'000'000'000;

[[nodiscard]] inline uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * kNsPerSecond + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace raceless

#endif
