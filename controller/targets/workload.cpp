// SPDX-License-Identifier: GPL-2.0
#include "targets/workload.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <sstream>

#include "clock.h"
#include "targets/eventually.h"
#include "text_file.h"

extern char** environ;

namespace raceless {

namespace {

constexpr size_t kKeptOutput = 4096;
constexpr int kShellSignal = 128;
constexpr int kErrnos = 134;  // EHWPOISON and one more

// A child must not inherit the signals that the storm has blocked for itself.
Result<pid_t> spawn(const std::string& command, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);

  sigset_t none;
  sigemptyset(&none);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);

  std::string shell = "sh";
  std::string option = "-c";
  std::string text = command;
  const std::array<char*, 4> arguments = {shell.data(), option.data(), text.data(), nullptr};
  pid_t pid = 0;
  const int error = posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(error, "cannot start /bin/sh");
  return pid;
}

// Kills what is left of the group and waits until all of it is dead, not its leader alone: a signal
// only asks, and a modprobe that is in the kernel when it comes may load its module first. The
// others are reaped by whoever adopts them; where nobody does, patience ends the wait. Returns the
// leader's status.
int end_group(pid_t leader) {
  // Before its number may be used again: while the leader is not reaped, it is taken.
  kill(-leader, SIGKILL);
  int status = 0;
  waitpid(leader, &status, 0);
  (void)eventually([leader] { return kill(-leader, 0) != 0; });
  return status;
}

}  // namespace

int WorkloadEnd::fatal_signal() const {
  if (signal != 0) return signal;
  // Not those by which tools end each other.
  for (const int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS})
    if (status == kShellSignal + fault) return fault;
  return 0;
}

std::string WorkloadEnd::describe() const {
  std::string text = signal != 0 ? fmt::format("killed by signal {} ({})", signal,
                                               sigabbrev_np(signal) ? sigabbrev_np(signal) : "?")
                                 : fmt::format("exit status {}", status);
  const size_t last = output.find_last_not_of('\n');
  if (last == std::string::npos) return text;
  const size_t start = output.rfind('\n', last);
  return text + ": " +
         output.substr(start == std::string::npos ? 0 : start + 1,
                       last - (start == std::string::npos ? -1 : start));
}

int errno_in(const std::string& output) {
  size_t best_end = 0;
  int best = 0;
  for (int code = 1; code < kErrnos; code++) {
    const char* text = strerrordesc_np(code);
    if (text == nullptr) continue;
    const size_t found = output.rfind(text);
    if (found == std::string::npos) continue;
    // Of two that end at the same place ("No such device" is part of none other), the longer.
    const size_t end = found + std::strlen(text);
    if (end <= best_end) continue;
    best_end = end;
    best = code;
  }
  return best;
}

Result<Workload> Workload::start(const std::string& command) {
  // A file rather than a pipe: nobody has to read it meanwhile. Appending, as two share it.
  FileDescriptor output(memfd_create("raceless-output", MFD_CLOEXEC));
  if (!output) return fail_errno("cannot create a file in memory");
  (void)fcntl(output.get(), F_SETFL, O_APPEND);
  const Result<pid_t> pid = spawn(command, output.get());
  if (!pid) return tl::unexpected(pid.error());
  // The wrapper of glibc 2.36 has no C linkage in C++.
  FileDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, *pid, 0)));
  if (!pidfd) {
    const Error error{errno, "cannot watch a process"};
    kill(-*pid, SIGKILL);
    waitpid(*pid, nullptr, 0);
    return tl::unexpected(error);
  }
  return Workload(*pid, std::move(pidfd), std::move(output));
}

Workload::Workload(Workload&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      pidfd_(std::move(other.pidfd_)),
      output_(std::move(other.output_)) {}

Workload::~Workload() {
  if (pid_ != 0) end_group(pid_);
}

void Workload::freeze() { kill(-pid_, SIGSTOP); }
void Workload::thaw() { kill(-pid_, SIGCONT); }
void Workload::kill_group() { kill(-pid_, SIGKILL); }

bool Workload::wait(uint64_t ns) {
  pollfd event{pidfd_.get(), POLLIN, 0};
  const timespec timeout{static_cast<time_t>(ns / kNsPerSecond),
                         static_cast<long>(ns % kNsPerSecond)};
  return ppoll(&event, 1, &timeout, nullptr) == 1;
}

WorkloadEnd Workload::end() {
  // What it left running in the background goes with it.
  const int status = end_group(std::exchange(pid_, 0));
  WorkloadEnd end;
  if (WIFEXITED(status)) end.status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);

  const off_t bytes = lseek(output_.get(), 0, SEEK_END);
  const off_t from = std::max<off_t>(0, bytes - static_cast<off_t>(kKeptOutput));
  end.output.resize(static_cast<size_t>(bytes - from));
  const ssize_t got = pread(output_.get(), end.output.data(), end.output.size(), from);
  end.output.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return end;
}

std::vector<pid_t> Workload::processes() const {
  std::vector<pid_t> all = {pid_};
  for (size_t i = 0; i < all.size(); i++) {
    const Result<std::string> children =
        read_text(fmt::format("/proc/{0}/task/{0}/children", all[i]));
    if (!children) continue;
    for (const std::string& child : split_words(*children))
      all.push_back(static_cast<pid_t>(std::stol(child)));
  }
  return all;
}

std::string Workload::activity() const {
  std::string text;
  for (const pid_t pid : processes()) text += first_line(fmt::format("/proc/{}/stat", pid)) + "\n";
  return text;
}

std::string Workload::kernel_stacks() const {
  std::string text;
  for (const pid_t pid : processes()) {
    const Result<std::string> stack = read_text(fmt::format("/proc/{}/stack", pid));
    if (!stack) continue;
    std::string line = *stack;
    std::ranges::replace(line, '\n', ' ');
    text += fmt::format("process {}: {} ", pid, line);
  }
  return text;
}

}  // namespace raceless
