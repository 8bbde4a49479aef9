// SPDX-License-Identifier: GPL-2.0
// Compares what the kernel holds at the rests of a storm: after equal work, equally much should be
// left.
#ifndef RACELESS_CONTROLLER_LEAKS_LEAK_CHECK_H
#define RACELESS_CONTROLLER_LEAKS_LEAK_CHECK_H

#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "clock.h"
#include "leaks/holdings.h"
#include "storm/findings.h"

namespace raceless {

struct Leak {
  std::string what;    // "objects of kmalloc-64"
  std::string caller;  // may be empty
  uint64_t count = 0;  // more than before the storm
  uint64_t bytes = 0;
};

// A leak is what grows from rest to rest, three times in a row. At the end it is all memory whose
// allocating code is gone, and per-CPU memory that has grown by a page of each CPU or more for each
// unload. Some memory is freed late and yet in order (kfree_rcu() collects for seconds), so each
// must outlast the patience. What is not named by its caller has to grow with the unloads, as the
// kernel's own needs move too.
class LeakCheck {
 public:
  using Read = std::function<Holdings()>;

  // A rest is due each `every` unloads; 0: never, and nothing is read.
  LeakCheck(uint64_t every, Read read, uint64_t patience_ns = 10 * kNsPerSecond)
      : every_(every), read_(std::move(read)), patience_ns_(patience_ns) {}

  [[nodiscard]] bool on() const { return every_ != 0; }
  [[nodiscard]] bool due(uint64_t unloads) const;

  // Before the storm, at a rest of it, at its end; the code under test is at rest.
  void begin();
  void rest(uint64_t unloads, Findings& findings);
  void end(uint64_t unloads, Findings& findings);
  // The code under test did not come to rest before the storm.
  void turn_off() { every_ = 0; }
  // It did not come to rest: the next one will do.
  void skip(uint64_t unloads) { last_unloads_ = unloads; }

  [[nodiscard]] uint64_t every() const { return every_; }
  // So many rests, and growth could have been seen.
  static constexpr uint64_t least_rests = 3;
  [[nodiscard]] uint64_t rests() const { return nr_rests_; }
  [[nodiscard]] const std::vector<Leak>& leaks() const { return leaks_; }

 private:
  struct Rest {
    uint64_t unloads = 0;
    Holdings holdings;
  };
  using Keys = std::set<HoldingKey>;

  void take(uint64_t unloads, Holdings holdings);
  [[nodiscard]] Keys growing() const;
  [[nodiscard]] bool grew(const HoldingKey& key, const Rest& from, const Rest& to) const;
  [[nodiscard]] Keys gone() const;
  [[nodiscard]] Keys much() const;
  // Those that are still suspicious when the patience is over.
  [[nodiscard]] Keys confirmed(const std::function<Keys()>& suspects);
  void report(const Keys& keys, const std::string& why, Findings& findings);

  uint64_t every_;
  Read read_;
  uint64_t patience_ns_;
  uint64_t last_unloads_ = 0;
  uint64_t nr_rests_ = 0;
  Holdings before_;
  std::deque<Rest> rests_;  // the last ones
  Keys reported_;
  std::vector<Leak> leaks_;
};

}  // namespace raceless

#endif
