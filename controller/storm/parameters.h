// SPDX-License-Identifier: GPL-2.0
// What the user asked of a storm. What is not given, the target decides.
#ifndef RACELESS_CONTROLLER_STORM_PARAMETERS_H
#define RACELESS_CONTROLLER_STORM_PARAMETERS_H

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "clock.h"
#include "plan.h"

namespace raceless {

// How many threads a role has, and how they pace themselves.
struct Crew {
  uint32_t threads = 0;
  Pacing pacing;
};

using Crews = std::array<Crew, kRoles.size()>;

struct Parameters {
  std::string target;
  uint64_t seed = 1;
  uint64_t duration_ns = 30 * kNsPerSecond;
  uint64_t max_uses = 0;  // ends the storm sooner; 0: never
  // A thread whose operation takes longer than this is stuck: a broken promise.
  uint64_t stuck_after_ns = 60 * kNsPerSecond;
  // For every get and unload of a registry target.
  uint64_t timeout_ns = 30 * kNsPerSecond;
  std::array<std::optional<uint32_t>, kRoles.size()> threads;
  std::array<std::optional<uint64_t>, kRoles.size()> interval_ns;
  std::string workload;        // of module:PATH: what each consumer runs
  std::string module_options;  // "fail_every=3 …", for the module under test
  bool trace = true;
  bool timeline = true;
  uint64_t leak_check_unloads = 50;  // look for leaks after so many; 0: never
  std::string maps;                  // where the BPF maps are pinned, to stay; "": nowhere to stay
};

constexpr uint32_t kMaxThreads = 256;  // of one role

}  // namespace raceless

#endif
