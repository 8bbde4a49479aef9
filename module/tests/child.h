// SPDX-License-Identifier: GPL-2.0
// A process of its own for what is going to be killed.
#ifndef RACELESS_MODULE_TESTS_CHILD_H
#define RACELESS_MODULE_TESTS_CHILD_H

#include <sys/types.h>

#include <functional>

namespace raceless {

class Child {
 public:
  // Runs in the child, whose exit status is what it returns.
  explicit Child(const std::function<int()>& run);
  ~Child();

  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // SIGKILL.
  void signal();
  // The same, and waits until the process, with its descriptors, is gone.
  void kill();
  // The exit status; 128 + N if a signal ended it. Waits.
  int status();

  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

}  // namespace raceless

#endif
