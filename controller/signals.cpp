// SPDX-License-Identifier: GPL-2.0
#include "signals.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace raceless {

namespace {

constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGHUP};

std::atomic<int> event_fd = -1;
std::atomic<int> signals_seen = 0;
std::atomic<bool> from_terminal = false;
std::atomic<void (*)()> before_exit = nullptr;

void on_signal(int signal, siginfo_t* info, void*) {
  const int saved_errno = errno;
  if (signals_seen.fetch_add(1) > 0) {
    // What the process holds in the kernel ends with its descriptors.
    constexpr std::string_view kMessage = "\nraceless: aborted; there is no report\n";
    (void)!write(STDERR_FILENO, kMessage.data(), kMessage.size());
    if (void (*last)() = before_exit) last();
    _exit(128 + signal);
  }
  from_terminal = info->si_code == SI_KERNEL;
  const uint64_t one = 1;
  (void)!write(event_fd, &one, sizeof(one));
  errno = saved_errno;
}

bool is_ignored(int signal) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

}  // namespace

Result<Signals> Signals::catch_all(void (*at_abort)()) {
  FileDescriptor fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!fd) return fail_errno("cannot create an eventfd");
  event_fd = fd.get();
  signals_seen = 0;
  before_exit = at_abort;
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO;
  for (const int signal : kSignals)
    // a shell ignores SIGINT for what it starts in the background, which is to be ended by it
    if (signal != SIGHUP || !is_ignored(signal)) sigaction(signal, &action, nullptr);
  return Signals(std::move(fd));
}

Signals::~Signals() {
  if (!fd_) return;
  for (const int signal : kSignals)
    if (!is_ignored(signal)) ::signal(signal, SIG_DFL);
}

bool Signals::pending() const {
  pollfd event{fd_.get(), POLLIN, 0};
  return poll(&event, 1, 0) == 1;
}

bool Signals::is_from_terminal() { return from_terminal; }

void Signals::block() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : kSignals) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace raceless
