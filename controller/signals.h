// SPDX-License-Identifier: GPL-2.0
// SIGINT and SIGTERM, as events that a poll() sees.
#ifndef RACELESS_CONTROLLER_SIGNALS_H
#define RACELESS_CONTROLLER_SIGNALS_H

#include "file_descriptor.h"
#include "result.h"

namespace raceless {

// Create it before any thread: threads inherit the blocked signals, so that only pending() sees
// them. A child process inherits them too, and has to unblock them.
class Signals {
 public:
  [[nodiscard]] static Result<Signals> catch_all();

  [[nodiscard]] int fd() const { return fd_.get(); }
  // The next signal, or 0; never waits.
  [[nodiscard]] int pending();

 private:
  explicit Signals(FileDescriptor fd) : fd_(std::move(fd)) {}

  FileDescriptor fd_;
};

}  // namespace raceless

#endif
