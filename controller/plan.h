// SPDX-License-Identifier: GPL-2.0
// What every thread of a storm does, decided by the seed alone.
//
// Each thread draws its operations from a stream of its own. A stream depends on the seed, the role
// and the thread's index, never on time, on the outcome of an operation or on other threads: the
// same seed gives bit for bit the same sequence on every machine. (How many of the operations a
// thread gets through in a given time, and how they interleave, is the kernel's business.)
#ifndef RACELESS_CONTROLLER_PLAN_H
#define RACELESS_CONTROLLER_PLAN_H

#include <array>
#include <cstdint>
#include <string_view>

namespace raceless {

enum class Role : uint8_t { loader = 0, unloader = 1, consumer = 2 };
constexpr std::array<Role, 3> kRoles = {Role::loader, Role::unloader, Role::consumer};

[[nodiscard]] std::string_view role_name(Role role);

// splitmix64 (Steele, Lea, Flood 2014): its output is defined, unlike that of std::distributions.
class Random {
 public:
  explicit Random(uint64_t state) : state_(state) {}

  uint64_t next();
  // 0 … bound - 1; bound is not 0.
  uint64_t below(uint64_t bound);
  // first … last, both included.
  uint64_t between(uint64_t first, uint64_t last);

 private:
  uint64_t state_;
};

// The pause before each operation of a role.
struct Pacing {
  uint64_t min_ns = 0;
  uint64_t max_ns = 0;
  // This many operations of a hundred do not pause at all.
  uint32_t tight_percent = 0;
};

struct Op {
  uint64_t pause_ns;  // before it
  uint64_t hold_ns;   // how long to keep what it got
  uint32_t calls;     // how often to use it, 1 … 8
  uint32_t percent;   // 0 … 99: selects one of the target's ways to do it
  uint64_t choice;    // free bits, for the target: which file, which part of it

  bool operator==(const Op&) const = default;
};

// How much of its plan a thread has done. The same number of operations and the same value mean:
// the very same operations in the same order.
class PlanDigest {
 public:
  void add(const Op& op);

  [[nodiscard]] uint64_t operations() const { return operations_; }
  [[nodiscard]] uint64_t value() const { return value_; }
  bool operator==(const PlanDigest&) const = default;

 private:
  uint64_t operations_ = 0;
  uint64_t value_ = 0;
};

class OpStream {
 public:
  OpStream(Random random, Pacing pacing, uint64_t max_hold_ns)
      : random_(random), pacing_(pacing), max_hold_ns_(max_hold_ns) {}

  [[nodiscard]] Op next();
  // Draws that many.
  [[nodiscard]] PlanDigest digest(uint64_t operations);

 private:
  Random random_;
  Pacing pacing_;
  uint64_t max_hold_ns_;
};

class Plan {
 public:
  explicit Plan(uint64_t seed) : seed_(seed) {}

  [[nodiscard]] OpStream stream(Role role, uint32_t index, Pacing pacing,
                                uint64_t max_hold_ns) const;

 private:
  uint64_t seed_;
};

}  // namespace raceless

#endif
