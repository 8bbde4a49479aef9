// SPDX-License-Identifier: GPL-2.0
#include "signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>

namespace raceless {

Result<Signals> Signals::catch_all() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr);
  if (error != 0) return fail(error, "cannot block signals");
  FileDescriptor fd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd) return fail_errno("cannot create a signalfd");
  return Signals(std::move(fd));
}

int Signals::pending() {
  signalfd_siginfo info{};
  if (read(fd_.get(), &info, sizeof(info)) != sizeof(info)) return 0;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace raceless
