// SPDX-License-Identifier: GPL-2.0
// Where a run took place: no number without it.
#ifndef RACELESS_CONTROLLER_STORM_CONTEXT_H
#define RACELESS_CONTROLLER_STORM_CONTEXT_H

#include <string>

namespace raceless {

struct Context {
  std::string kernel;  // uname -r
  std::string accel;   // "tcg", "kvm"; what the VM harness knows
  std::string commit;  // of this project
  long vcpus = 0;
  std::string started;  // UTC, ISO 8601
  bool gate = false;    // was it on?
};

[[nodiscard]] Context current_context();

}  // namespace raceless

#endif
