// SPDX-License-Identifier: GPL-2.0
// Our own terminal, handed through to the guest.
#pragma once

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace raceless::vm {

// Raw while it lives, so that every key, Ctrl-C too, is the guest's.
class RawTerminal {
 public:
  RawTerminal() : valid_(tcgetattr(0, &saved_) == 0) {
    if (!valid_) return;
    termios raw = saved_;
    cfmakeraw(&raw);
    tcsetattr(0, TCSADRAIN, &raw);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal() {
    if (valid_) tcsetattr(0, TCSADRAIN, &saved_);
  }

 private:
  termios saved_{};
  bool valid_;
};

}  // namespace raceless::vm
