// SPDX-License-Identifier: GPL-2.0
// Child processes and the descriptors that belong to them.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "../../controller/result.h"

namespace raceless::vm {

// A file descriptor with an owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

using Argv = std::vector<std::string>;

// What a finished program left behind.
struct Finished {
  int status = 0;  // exit status, or 128 + n for signal n
  std::string out;
};

// Runs a program to its end with its stdout collected; stderr goes where ours goes. Only a program
// that cannot be started is an error.
[[nodiscard]] Result<Finished> run_program(const Argv& argv);

// A child that dies with us, in a process group of its own, so that the terminal's Ctrl-C reaches
// us alone.
class Child {
 public:
  Child() = default;
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  ~Child();

  // The descriptors become the child's 0, 1 and 2; -1 is /dev/null.
  [[nodiscard]] static Result<Child> start(const Argv& argv, const std::filesystem::path& folder,
                                           int in, int out, int err);
  [[nodiscard]] pid_t pid() const { return pid_; }
  void kill(int signal) const;
  // Exit status as in Finished; blocks when asked to. Empty while it still runs.
  [[nodiscard]] bool ended(bool block, int& status, double& cpu_seconds);

 private:
  pid_t pid_ = -1;
};

}  // namespace raceless::vm
