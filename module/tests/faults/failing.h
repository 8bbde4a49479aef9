// SPDX-License-Identifier: GPL-2.0
// Allocations of raceless.ko that fail because the kernel was told so (failslab,
// Documentation/fault-injection): needs CONFIG_FAILSLAB with its stack filter, as in KERNEL=debug.
#ifndef RACELESS_MODULE_TESTS_FAULTS_FAILING_H
#define RACELESS_MODULE_TESTS_FAULTS_FAILING_H

#include <set>
#include <string>

namespace raceless {

// Only allocations count that raceless.ko makes, or that are made for it: of nodes of its trees.
class Failing {
 public:
  [[nodiscard]] static bool available();

  // The module must be loaded.
  Failing();
  ~Failing();
  Failing(const Failing&) = delete;
  Failing& operator=(const Failing&) = delete;

  // The nth allocation of this thread fails, counted from now.
  void fail_nth(int nth) const;
  // Ends that. Has it failed?
  [[nodiscard]] bool stop() const;

  // Every allocation of every task fails in this one of the module's functions, until end_in().
  void fail_in(const std::string& function) const;
  void end_in() const;
};

// Who was refused memory since this began, as the allocator's tracepoints tell.
class Refusals {
 public:
  Refusals();
  ~Refusals();
  Refusals(const Refusals&) = delete;
  Refusals& operator=(const Refusals&) = delete;

  // "function+0x12" of raceless.ko.
  [[nodiscard]] std::set<std::string> places() const;
};

}  // namespace raceless

#endif
