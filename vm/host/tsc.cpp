// SPDX-License-Identifier: GPL-2.0
#include "tsc.h"

#include <x86intrin.h>

#include <chrono>
#include <thread>

namespace raceless::vm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kApart = std::chrono::milliseconds(50);
constexpr int kTries = 20;

struct Moment {
  Clock::time_point time;
  std::uint64_t ticks = 0;
};

// Both at once, as nearly as can be: of some tries the one that was disturbed least.
Moment now() {
  Moment best;
  Clock::duration least = Clock::duration::max();
  for (int i = 0; i < kTries; i++) {
    const Clock::time_point before = Clock::now();
    const std::uint64_t ticks = __rdtsc();
    const Clock::duration took = Clock::now() - before;
    if (took >= least) continue;
    least = took;
    best = {before + took / 2, ticks};
  }
  return best;
}

}  // namespace

std::uint64_t measure_tsc_khz() {
  const Moment begin = now();
  std::this_thread::sleep_for(kApart);
  const Moment end = now();
  const auto ns = std::chrono::nanoseconds(end.time - begin.time).count();
  return (end.ticks - begin.ticks) * 1'000'000 / static_cast<std::uint64_t>(ns);
}

}  // namespace raceless::vm
