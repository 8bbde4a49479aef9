// SPDX-License-Identifier: GPL-2.0
// Does what a step says, and reports what it ended with.
#ifndef RACELESS_MODULE_TESTS_FUZZ_PERFORMER_H
#define RACELESS_MODULE_TESTS_FUZZ_PERFORMER_H

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "report.h"
#include "request.h"
#include "step.h"

namespace raceless::fuzz {

constexpr size_t kMostThreads = 32;

// The threads of the process, to send signals to; 0: there is none.
using Peers = std::array<std::atomic<pid_t>, kMostThreads>;

class Performer {
 public:
  // `thread` is its number; `name` begins each of its findings.
  Performer(Report& report, const Caller& caller, size_t thread, std::string name, Peers* peers);

  // `rest` is what a forked process does.
  void perform(const Step& step, std::span<const Step> rest);

  // Ends what holds a name for long: closes what it unloaded through, and if a wait timed out all
  // that it can close, as somebody could at any time.
  void clean_up();

 private:
  void ioctl(Choices& choices);
  void open(Choices& choices);
  void interrupt(Choices& choices);
  void fork(Choices& choices, std::span<const Step> rest, bool kill);
  void run_forked(std::span<const Step> rest, bool kill);
  void dispatch(Action action, Choices& choices, std::span<const Step> rest);
  // A call of another kind: the errnos that it may fail with, beside EBADF of what was closed.
  void check(const char* what, bool failed, std::initializer_list<int> allowed);
  void find(const std::string& what);

  [[nodiscard]] int any_descriptor(Choices& choices) const;

  Report& report_;
  Caller caller_;
  size_t thread_;
  std::string name_;
  Peers* peers_;
  Memory memory_;
  int last_;                       // descriptor of an ioctl
  std::vector<int> held_through_;  // descriptors
  bool in_the_way_ = false;        // a wait timed out
};

// An errno, or 0.
[[nodiscard]] int make_call(int fd, const Request& request, const Memory& memory);

// Does the kernel know calls of 32 bits?
[[nodiscard]] bool knows_compat();

}  // namespace raceless::fuzz

#endif
