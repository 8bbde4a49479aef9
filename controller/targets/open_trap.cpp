// SPDX-License-Identifier: GPL-2.0
#include "targets/open_trap.h"

#include <linux/audit.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace raceless {

namespace {

constexpr int kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                         PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
constexpr int kSyscallStop = SIGTRAP | 0x80;
constexpr useconds_t kPollUs = 200;

bool is_open(long number) {
  return number == SYS_open || number == SYS_openat || number == SYS_openat2;
}

void resume(pid_t pid, int signal) { ptrace(PTRACE_SYSCALL, pid, nullptr, signal); }

}  // namespace

Result<OpenTrap> OpenTrap::set(pid_t process) {
  if (ptrace(PTRACE_SEIZE, process, nullptr, kOptions) != 0)
    return fail_errno("cannot trace the workload");
  OpenTrap trap(process);
  trap.inside_[process] = -1;
  // Only a stopped process can be told to stop at its system calls.
  ptrace(PTRACE_INTERRUPT, process, nullptr, nullptr);
  return trap;
}

OpenTrap::OpenTrap(OpenTrap&& other) noexcept
    : process_(std::exchange(other.process_, 0)), inside_(std::move(other.inside_)) {
  other.inside_.clear();
}

OpenTrap::~OpenTrap() { release(); }

void OpenTrap::release() {
  for (const auto& [pid, number] : inside_) {
    if (ptrace(PTRACE_DETACH, pid, nullptr, nullptr) == 0) continue;
    // It runs: only a stopped process can be left.
    if (ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0) continue;
    int status = 0;
    siginfo_t info{};
    // Not reaped, if it has ended: that is its parent's to do, or ours later.
    waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WSTOPPED | WNOWAIT | __WALL);
    if (info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED) waitpid(pid, &status, __WALL);
    ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  }
  inside_.clear();
}

pid_t OpenTrap::run(const Wanted& wanted, const Cancelled& cancelled) {
  while (!cancelled()) {
    siginfo_t info{};
    // Looked at first: the end of the workload itself is for whoever started it.
    const int found =
        waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL | __WNOTHREAD);
    if (found != 0) return 0;
    const pid_t pid = info.si_pid;
    if (pid == 0) {
      usleep(kPollUs);
      continue;
    }
    const bool ended =
        info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED;
    if (ended) inside_.erase(pid);
    if (ended && pid == process_) return 0;
    int status = 0;
    if (waitpid(pid, &status, __WALL) != pid || ended) continue;
    if (handle(pid, status, wanted)) return pid;
  }
  return 0;
}

bool OpenTrap::handle(pid_t pid, int status, const Wanted& wanted) {
  // A child may report before its parent does; both are traced from their first instruction.
  inside_.try_emplace(pid, -1);
  const int signal = WSTOPSIG(status);
  const int event = status >> 16;
  if (signal == kSyscallStop && event == 0) {
    if (opened(pid, wanted)) return true;
    resume(pid, 0);
  } else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
    // A group stop, by somebody's SIGSTOP: it stays one.
    ptrace(PTRACE_LISTEN, pid, nullptr, nullptr);
  } else {
    resume(pid, event == 0 ? signal : 0);
  }
  return false;
}

bool OpenTrap::opened(pid_t pid, const Wanted& wanted) {
  __ptrace_syscall_info info{};
  // The size goes where other requests have an address.
  if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0) return false;
  long& inside = inside_[pid];
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
    inside = info.arch == AUDIT_ARCH_X86_64 ? static_cast<long>(info.entry.nr) : -1;
    return false;
  }
  const bool done = info.op == PTRACE_SYSCALL_INFO_EXIT && is_open(inside) && !info.exit.is_error;
  inside = -1;
  return done && wanted("/proc/" + std::to_string(pid) + "/fd/" + std::to_string(info.exit.rval));
}

}  // namespace raceless
