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
#include <vector>

namespace raceless {

namespace {

constexpr int kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                         PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
constexpr int kSyscallStop = SIGTRAP | 0x80;
constexpr useconds_t kPollUs = 200;

bool is_open(long number) {
  return number == SYS_open || number == SYS_openat || number == SYS_openat2;
}

bool has_ended(const siginfo_t& info) {
  return info.si_pid != 0 &&
         (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED);
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

// One that runs is told to stop, and looked at again. It need not stop soon: who has called vfork()
// does so after its child has gone on, which may have to be let go first.
void OpenTrap::release() {
  while (true) {
    std::vector<pid_t> traced;
    for (const auto& [pid, number] : inside_) traced.push_back(pid);
    if (traced.empty()) return;
    for (const pid_t pid : traced)
      if (let_go(pid)) inside_.erase(pid);
    usleep(kPollUs);
  }
}

// True if it is not traced any more, or has ended.
bool OpenTrap::let_go(pid_t pid) {
  const auto id = static_cast<id_t>(pid);
  siginfo_t info{};
  if (waitid(P_PID, id, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) != 0) return true;
  if (has_ended(info)) {
    // Its parent does not see the end before we have; that of the first one is for whoever started
    // it.
    if (pid != process_) waitpid(pid, nullptr, __WALL);
    return true;
  }
  int status = 0;
  if (info.si_pid == pid && waitpid(pid, &status, __WALL) == pid) note_child(pid, status);
  if (ptrace(PTRACE_DETACH, pid, nullptr, nullptr) == 0) return true;
  ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr);
  return false;
}

// A child is traced, and stopped, from its first instruction on, which it may not have reported
// yet.
void OpenTrap::note_child(pid_t pid, int status) {
  const int event = status >> 16;
  if (event != PTRACE_EVENT_FORK && event != PTRACE_EVENT_VFORK && event != PTRACE_EVENT_CLONE)
    return;
  unsigned long child = 0;
  if (ptrace(PTRACE_GETEVENTMSG, pid, nullptr, &child) == 0)
    inside_.try_emplace(static_cast<pid_t>(child), -1);
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
    const bool ended = has_ended(info);
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
  note_child(pid, status);
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
