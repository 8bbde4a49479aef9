// SPDX-License-Identifier: GPL-2.0
#include "process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace raceless::vm {
namespace {

[[noreturn]] void execute(const Argv& argv) {
  std::vector<char*> pointers;
  for (const std::string& argument : argv) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  execvp(pointers[0], pointers.data());
  _exit(127);
}

int shell_status(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

void onto(int fd, int target) {
  if (fd < 0) fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (dup2(fd, target) < 0) _exit(126);
}

}  // namespace

void Fd::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Result<Finished> run_program(const Argv& argv) {
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe");
  Fd read_end(pipe_fds[0]);
  Fd write_end(pipe_fds[1]);
  pid_t pid = fork();
  if (pid < 0) return fail_errno("cannot start " + argv[0]);
  if (pid == 0) {
    onto(-1, 0);
    onto(write_end.get(), 1);
    execute(argv);
  }
  write_end.reset();
  Finished finished;
  char buffer[65536];
  for (ssize_t n; (n = read(read_end.get(), buffer, sizeof buffer)) != 0;) {
    if (n > 0)
      finished.out.append(buffer, static_cast<std::size_t>(n));
    else if (errno != EINTR)
      break;
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  finished.status = shell_status(status);
  if (finished.status == 127) return fail(ENOENT, "cannot run " + argv[0]);
  return finished;
}

Result<Child> Child::start(const Argv& argv, const std::filesystem::path& folder, int in, int out,
                           int err) {
  Child child;
  pid_t parent = getpid();
  child.pid_ = fork();
  if (child.pid_ < 0) return fail_errno("cannot start " + argv[0]);
  if (child.pid_ == 0) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(126);  // we died before the line above
    if (chdir(folder.c_str()) != 0) _exit(126);
    onto(in, 0);
    onto(out, 1);
    onto(err, 2);
    execute(argv);
  }
  return child;
}

Child::~Child() {
  if (pid_ < 0) return;
  kill(SIGKILL);
  int status = 0;
  double cpu = 0;
  (void)ended(true, status, cpu);
}

void Child::kill(int signal) const {
  if (pid_ > 0) ::kill(pid_, signal);
}

bool Child::ended(bool block, int& status, double& cpu_seconds) {
  int wait_status = 0;
  rusage usage{};
  pid_t pid = 0;
  while ((pid = wait4(pid_, &wait_status, block ? 0 : WNOHANG, &usage)) < 0 && errno == EINTR) {
  }
  if (pid == 0) return false;
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  status = pid == pid_ ? shell_status(wait_status) : 126;
  cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  pid_ = -1;
  return true;
}

}  // namespace raceless::vm
