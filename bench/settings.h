// SPDX-License-Identifier: GPL-2.0
// What the command line of raceless-bench says, beside Google Benchmark's own options.
#ifndef RACELESS_BENCH_SETTINGS_H
#define RACELESS_BENCH_SETTINGS_H

#include <cstdint>

namespace raceless {

struct Settings {
  uint64_t loops = 0;               // of a timed region; 0: as many as make it long enough
  uint32_t names = 100'000;         // registered at the most
  uint32_t waiters = 1'000;         // at the most
  uint32_t seconds = 5;             // of a storm
  uint32_t replacing_seconds = 40;  // of a storm of replacements: some hundreds of them
  double instruction_ns = 0;        // of a clock that counts instructions; 0: it does not
};

}  // namespace raceless

#endif
