// SPDX-License-Identifier: GPL-2.0
#include "tracee.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>

namespace raceless {

namespace {

constexpr int kSyscallStop = SIGTRAP | 0x80;  // of PTRACE_O_TRACESYSGOOD

}  // namespace

Tracee::Tracee(const std::function<int()>& run, bool seccomp) : seccomp_(seccomp) {
  std::fflush(stdout);
  pid_ = fork();
  if (pid_ == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    _exit(run());
  }
  waitpid(pid_, &status_, 0);
  ptrace(PTRACE_SETOPTIONS, pid_, nullptr,
         PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | (seccomp ? PTRACE_O_TRACESECCOMP : 0));
}

Tracee::~Tracee() {
  if (ended_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, &status_, 0);
}

std::optional<Stop> Tracee::describe() {
  __ptrace_syscall_info info{};
  if (ptrace(PTRACE_GET_SYSCALL_INFO, pid_, sizeof(info), &info) <= 0) return std::nullopt;
  switch (info.op) {
    case PTRACE_SYSCALL_INFO_ENTRY:
      number_ = static_cast<long>(info.entry.nr);
      return Stop{Stop::Kind::entry, number_, 0};
    case PTRACE_SYSCALL_INFO_EXIT:
      return Stop{Stop::Kind::exit, number_, static_cast<long>(info.exit.rval)};
    case PTRACE_SYSCALL_INFO_SECCOMP:
      return Stop{Stop::Kind::seccomp, static_cast<long>(info.seccomp.nr), 0};
    default:
      return std::nullopt;
  }
}

std::optional<Stop> Tracee::next() {
  int signal = 0;
  while (!ended_) {
    ptrace(seccomp_ ? PTRACE_CONT : PTRACE_SYSCALL, pid_, nullptr, signal);
    if (waitpid(pid_, &status_, 0) != pid_ || WIFEXITED(status_) || WIFSIGNALED(status_)) {
      ended_ = true;
      break;
    }
    signal = 0;
    if (WSTOPSIG(status_) == kSyscallStop || status_ >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
      return describe();
    if (WSTOPSIG(status_) != SIGTRAP) signal = WSTOPSIG(status_);
  }
  return std::nullopt;
}

std::optional<Stop> Tracee::next(Stop::Kind kind, long number) {
  for (std::optional<Stop> stop = next(); stop; stop = next())
    if (stop->kind == kind && stop->number == number) return stop;
  return std::nullopt;
}

void Tracee::set_number(long number) const {
  ptrace(PTRACE_POKEUSER, pid_, offsetof(user_regs_struct, orig_rax), number);
}

void Tracee::set_result(long result) const {
  ptrace(PTRACE_POKEUSER, pid_, offsetof(user_regs_struct, rax), result);
}

int Tracee::finish() {
  while (next()) {
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
}

}  // namespace raceless
