// SPDX-License-Identifier: GPL-2.0
#include "child.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace raceless {

Child::Child(const std::function<int()>& run) {
  std::fflush(stdout);
  pid_ = fork();
  if (pid_ == 0) _exit(run());
}

Child::~Child() {
  if (pid_ > 0) kill();
}

void Child::signal() {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

void Child::kill() {
  signal();
  status();
}

int Child::status() {
  int status = 0;
  pid_t ended;
  do {
    ended = waitpid(pid_, &status, 0);
  } while (ended < 0 && errno == EINTR);
  if (ended != pid_) return -1;
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace raceless
