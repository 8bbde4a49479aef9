// SPDX-License-Identifier: GPL-2.0
// A child that is traced, stop by stop.
#ifndef RACELESS_MODULE_TESTS_GATE_TRACEE_H
#define RACELESS_MODULE_TESTS_GATE_TRACEE_H

#include <sys/types.h>

#include <functional>
#include <optional>

namespace raceless {

// Where a system call of the child's stands.
struct Stop {
  enum class Kind { entry, exit, seccomp };
  Kind kind;
  long number;  // of the call; at its exit that of the entry before
  long result;  // at an exit: negative errno, as the kernel has it
};

class Tracee {
 public:
  // The child stops at each system call's begin and end; `seccomp`: where a filter says so instead.
  Tracee(const std::function<int()>& run, bool seccomp);
  ~Tracee();
  Tracee(const Tracee&) = delete;
  Tracee& operator=(const Tracee&) = delete;

  // The next one; empty once the child has ended. Signals are passed on.
  std::optional<Stop> next();
  // The next one of this call and kind.
  std::optional<Stop> next(Stop::Kind kind, long number);
  // While it stands at a stop.
  void set_number(long number) const;
  void set_result(long result) const;
  // Lets it run; its exit status, or -1 if it did not end by itself.
  int finish();

  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  [[nodiscard]] std::optional<Stop> describe();

  pid_t pid_;
  bool seccomp_;
  int status_ = 0;
  bool ended_ = false;
  long number_ = -1;  // at the last entry
};

}  // namespace raceless

#endif
