// SPDX-License-Identifier: GPL-2.0
// A soak: storms on all targets in turn, again and again, in one boot; between two of them, what
// the kernel holds at rest.
#ifndef RACELESS_CONTROLLER_SOAK_SOAK_H
#define RACELESS_CONTROLLER_SOAK_SOAK_H

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "clock.h"
#include "signals.h"
#include "soak/reading.h"
#include "storm/context.h"
#include "storm/storm.h"

namespace raceless {

struct SoakParameters {
  std::vector<std::string> targets;
  uint64_t seed = 1;
  uint64_t duration_ns = 3600 * kNsPerSecond;
  uint64_t turn_ns = 0;  // one storm; 0: as turn_length() says
  uint64_t rounds = 0;   // no more than these; 0: as many as there is time for
  // The soak sees what grows from turn to turn; a storm's own check costs it seconds.
  uint64_t leak_check_unloads = 0;
  // Each so many rounds, with eBPF watching, as attaching and detaching may leak, too; 0: never.
  uint64_t trace_every = 4;
  std::string folder;  // of the storms that fail
};

// So short that each target has a dozen turns, but no shorter than a storm has to be, and no longer
// than a minute.
[[nodiscard]] uint64_t turn_length(const SoakParameters& parameters);

// Of one turn: from the soak's seed, but not from what the turns before it were like.
[[nodiscard]] uint64_t turn_seed(uint64_t seed, uint64_t round, size_t target);

struct SoakedTarget {
  std::string name;
  std::string not_run = "";  // why, if it cannot be stormed here
  uint64_t turns = 0;
  uint64_t failed_turns = 0;
  uint64_t lifecycles = 0;  // instances or modules that came and went
  uint64_t uses = 0;
  uint64_t failures = 0;  // of uses; where they may not fail, the turn has
};

struct FailedTurn {
  std::string target;
  uint64_t round = 0;
  uint64_t seed = 0;
  uint64_t findings = 0;
  std::string first;  // of them
};

// After a turn, at rest.
struct Moment {
  uint64_t time_ns = 0;  // since the soak began
  uint64_t round = 0;
  size_t target = 0;
  bool traced = false;
  uint64_t lifecycles = 0;  // so far
  Reading reading = {};
};

struct SoakRecord {
  std::vector<SoakedTarget> targets;
  std::vector<FailedTurn> failed;
  std::vector<Moment> moments;
  uint64_t turn_ns = 0;
  uint64_t elapsed_ns = 0;
  bool interrupted = false;
  bool stuck = false;  // a storm did not end, and so the soak had to

  [[nodiscard]] uint64_t lifecycles() const;
  // One that was stormed in vain: nothing of it came and went. Or null.
  [[nodiscard]] const SoakedTarget* idle() const;
};

class Soak {
 public:
  struct Listener {
    std::function<void(const std::string& target, uint64_t round, const Sample& sample)> sample;
    std::function<void(uint64_t round, const SoakRecord& record)> round;  // at its end
  };

  Soak(SoakParameters parameters, Listener listener);

  // Until the time is up, a signal comes or a storm is stuck.
  [[nodiscard]] SoakRecord run(const Signals& signals);

 private:
  void round(const Signals& signals);
  void turn(size_t target, const Signals& signals);
  void count(SoakedTarget& target, const Context& context, const Parameters& parameters,
             StormResult& result);
  void could_not_run(SoakedTarget& target, uint64_t seed, const Error& error);
  [[nodiscard]] bool over(const Signals& signals) const;
  [[nodiscard]] bool traced() const;

  SoakParameters parameters_;
  Listener listener_;
  SoakRecord record_;
  uint64_t start_ns_ = 0;
  uint64_t round_ = 0;
};

}  // namespace raceless

#endif
