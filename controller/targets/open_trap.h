// SPDX-License-Identifier: GPL-2.0
// Stops a workload at the moment at which one of its processes has opened a device.
//
// The time for which a short command has a device open is a small part of its run: stopping it just
// anywhere would hardly ever meet it.
#ifndef RACELESS_CONTROLLER_TARGETS_OPEN_TRAP_H
#define RACELESS_CONTROLLER_TARGETS_OPEN_TRAP_H

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>

#include "result.h"

namespace raceless {

// Traces the process and what it starts, with ptrace. Of the thread that started the process, and
// that thread must not have other children meanwhile.
class OpenTrap {
 public:
  // Is this descriptor (/proc/PID/fd/N) one to stop at?
  using Wanted = std::function<bool(const std::string& descriptor)>;
  using Cancelled = std::function<bool()>;

  [[nodiscard]] static Result<OpenTrap> set(pid_t process);
  // Lets all processes go on, untraced.
  ~OpenTrap();
  OpenTrap(OpenTrap&& other) noexcept;
  OpenTrap& operator=(OpenTrap&&) = delete;

  // Runs the processes until one has opened a wanted descriptor; that one is stopped then. 0 if the
  // first process ended before, or if it was cancelled.
  [[nodiscard]] pid_t run(const Wanted& wanted, const Cancelled& cancelled);
  void release();

 private:
  explicit OpenTrap(pid_t process) : process_(process) {}

  [[nodiscard]] bool let_go(pid_t pid);
  void note_child(pid_t pid, int status);

  // Takes one event of any process; true if it is the one that was waited for.
  [[nodiscard]] bool handle(pid_t pid, int status, const Wanted& wanted);
  [[nodiscard]] bool opened(pid_t pid, const Wanted& wanted);

  pid_t process_;
  // The system call that each traced process is in, -1 if none.
  std::map<pid_t, long> inside_;
};

}  // namespace raceless

#endif
