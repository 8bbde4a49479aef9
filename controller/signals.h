// SPDX-License-Identifier: GPL-2.0
// SIGINT, SIGTERM and SIGHUP: the first is an event that a poll() sees, the second ends the
// process. A SIGHUP that is ignored (nohup) stays so.
#ifndef RACELESS_CONTROLLER_SIGNALS_H
#define RACELESS_CONTROLLER_SIGNALS_H

#include "file_descriptor.h"
#include "result.h"

namespace raceless {

// One in a process. Threads whose system calls must not be interrupted block the signals.
class Signals {
 public:
  // `at_abort` runs in the handler of the second one: only what a signal handler may do.
  [[nodiscard]] static Result<Signals> catch_all(void (*at_abort)() = nullptr);
  ~Signals();
  Signals(Signals&&) = default;
  Signals& operator=(Signals&&) = delete;

  // Readable once a signal has come.
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] bool pending() const;
  // Of the one that has come: the whole process group has it.
  [[nodiscard]] static bool is_from_terminal();

  // In the calling thread.
  static void block();

 private:
  explicit Signals(FileDescriptor fd) : fd_(std::move(fd)) {}

  FileDescriptor fd_;
};

}  // namespace raceless

#endif
