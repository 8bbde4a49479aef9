// SPDX-License-Identifier: GPL-2.0
// What the fuzzing processes have done and found, in memory that outlives them.
#ifndef RACELESS_MODULE_TESTS_FUZZ_REPORT_H
#define RACELESS_MODULE_TESTS_FUZZ_REPORT_H

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "contract.h"
#include "step.h"

namespace raceless::fuzz {

class Report {
 public:
  static constexpr size_t kThreads = 64;

  Report();
  ~Report();
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  void ioctl_ended(Kind kind, int code);
  void action_ended(Action action);
  void find(const std::string& what);

  // A thread goes on being in one call until it ends it.
  void begin(size_t thread);
  void end(size_t thread);
  // How long the longest call has been going on.
  [[nodiscard]] uint64_t longest_ns() const;

  // Ioctls and all others.
  [[nodiscard]] uint64_t calls() const { return shared_->calls; }
  [[nodiscard]] std::vector<std::string> findings() const;
  // A line for each command: how often, and how it ended.
  [[nodiscard]] std::vector<std::string> lines() const;

  // Coverage, as the process that has it says it last.
  void cover(uint64_t addresses, uint64_t sequences);
  [[nodiscard]] uint64_t covered() const { return shared_->addresses; }
  [[nodiscard]] uint64_t sequences() const { return shared_->sequences; }

  // One of a few switches of the gate: false if there were enough.
  [[nodiscard]] bool may_switch();

 private:
  static constexpr size_t kFindings = 16;

  struct Shared {
    std::atomic<uint64_t> calls;
    std::array<std::array<std::atomic<uint64_t>, kErrors>, kKinds> ioctls;
    std::array<std::atomic<uint64_t>, kActions> actions;
    std::array<std::atomic<uint64_t>, kThreads> begun_ns;
    std::atomic<uint64_t> addresses;
    std::atomic<uint64_t> sequences;
    std::atomic<uint32_t> switches;
    std::atomic<uint32_t> nr_findings;
    std::array<std::array<char, 500>, kFindings> findings;
  };

  Shared* shared_;
};

}  // namespace raceless::fuzz

#endif
