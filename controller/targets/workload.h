// SPDX-License-Identifier: GPL-2.0
// One run of the user's workload command: a process group of its own, its output kept.
#ifndef RACELESS_CONTROLLER_TARGETS_WORKLOAD_H
#define RACELESS_CONTROLLER_TARGETS_WORKLOAD_H

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "file_descriptor.h"
#include "result.h"

namespace raceless {

struct WorkloadEnd {
  int status = 0;  // exit status; 0 if a signal ended it
  int signal = 0;
  std::string output;  // the last of what it wrote, stdout and stderr together

  [[nodiscard]] bool ok() const { return status == 0 && signal == 0; }
  // The signal that ended it, or one of its processes for a fault, as a shell's status tells (128 +
  // the signal).
  [[nodiscard]] int fatal_signal() const;
  // "exit status 1: cat: can't open '/dev/x': No such device"
  [[nodiscard]] std::string describe() const;
};

// The errno whose text (as strerror() has it) a command wrote last, or 0: that is how a user learns
// why something failed.
[[nodiscard]] int errno_in(const std::string& output);

class Workload {
 public:
  // Runs `sh -c command`. When the object goes, so does the process group, all of it: none of its
  // processes is in a system call any more.
  [[nodiscard]] static Result<Workload> start(const std::string& command);
  ~Workload();
  Workload(Workload&& other) noexcept;
  Workload& operator=(Workload&&) = delete;

  // Stops all of its processes where they are (files stay open), and lets them go on.
  void freeze();
  void thaw();
  // Waits up to `ns`; true once it has ended.
  [[nodiscard]] bool wait(uint64_t ns);
  // After wait() has said that it has ended.
  [[nodiscard]] WorkloadEnd end();
  void kill_group();

  [[nodiscard]] pid_t pid() const { return pid_; }
  // The command's processes that are there now, itself first.
  [[nodiscard]] std::vector<pid_t> processes() const;
  // Another text each time, unless none of its processes has run, faulted or changed its state.
  [[nodiscard]] std::string activity() const;
  // Where its processes are in the kernel, for one that does not die.
  [[nodiscard]] std::string kernel_stacks() const;

 private:
  Workload(pid_t pid, FileDescriptor pidfd, FileDescriptor output)
      : pid_(pid), pidfd_(std::move(pidfd)), output_(std::move(output)) {}

  pid_t pid_;
  FileDescriptor pidfd_;
  FileDescriptor output_;
};

}  // namespace raceless

#endif
