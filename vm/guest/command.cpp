// SPDX-License-Identifier: GPL-2.0
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <vector>

#include "mounts.h"

namespace raceless::guest {
namespace {

// Splits a file of strings that each end in a zero byte; the result ends in a null pointer.
std::vector<char*> split(std::string& strings) {
  std::vector<char*> result;
  for (std::size_t at = 0; at < strings.size(); at += strlen(&strings[at]) + 1)
    result.push_back(&strings[at]);
  result.push_back(nullptr);
  return result;
}

[[noreturn]] void execute(const std::vector<char*>& argv, const std::vector<char*>& env) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (char* variable : env)
    if (variable) putenv(variable);
  if (chdir("/root") != 0) (void)!chdir("/");
  execvp(argv[0], argv.data());
  int code = errno;
  dprintf(2, "raceless-init: cannot run %s in the guest: %s\n", argv[0], strerror(code));
  _exit(code == ENOENT ? 127 : 126);
}

}  // namespace

std::string Command::start(const wire::Fields& options) {
  std::string argv_text = read_file("/case/argv");
  std::string env_text = read_file("/case/env");
  std::vector<char*> argv = split(argv_text);
  std::vector<char*> env = split(env_text);
  if (!argv[0]) return "there is no command in /case/argv";

  terminal_ = wire::number(options, "terminal").value_or(0) != 0;
  bool input = wire::number(options, "input").value_or(0) != 0;
  int in[2] = {-1, -1};
  int out[2] = {-1, -1};
  int err[2] = {-1, -1};
  int terminal = -1;
  if (terminal_) {
    terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0)
      return std::string("cannot make a terminal: ") + strerror(errno);
    in_ = out_ = terminal;
    resize(static_cast<int>(wire::number(options, "rows").value_or(24)),
           static_cast<int>(wire::number(options, "columns").value_or(80)));
  } else if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0 ||
             (input && pipe2(in, O_CLOEXEC) != 0)) {
    return std::string("cannot make pipes: ") + strerror(errno);
  }

  pid_ = fork();
  if (pid_ < 0) return std::string("cannot fork: ") + strerror(errno);
  if (pid_ == 0) {
    setsid();
    int from = -1;
    int to = out[1];
    int errors = err[1];
    if (terminal_)
      from = to = errors = open(ptsname(terminal), O_RDWR);  // becomes the controlling terminal
    else
      from = input ? in[0] : open("/dev/null", O_RDONLY);
    if (dup2(from, 0) < 0 || dup2(to, 1) < 0 || dup2(errors, 2) < 0) _exit(126);
    if (terminal_ && from > 2) close(from);
    execute(argv, env);
  }
  if (!terminal_) {
    close(out[1]);
    close(err[1]);
    out_ = out[0];
    err_ = err[0];
    if (input) {
      close(in[0]);
      in_ = in[1];
    }
  }
  for (int fd : {in_, out_, err_})
    if (fd >= 0) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return {};
}

bool Command::copy(int& fd, wire::Type type, std::uint64_t& bytes, Port& port) {
  char buffer[wire::max_payload_bytes];
  ssize_t n = read(fd, buffer, sizeof buffer);
  if (n > 0) {
    bytes += static_cast<std::uint64_t>(n);
    port.send(type, {buffer, static_cast<std::size_t>(n)});
    return true;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  fd = -1;  // end of file, or EIO when the last holder of a terminal is gone
  return false;
}

void Command::drain(Port& port) {
  // What is there now and no more: a background child could go on for ever.
  for (auto [fd, type] : {std::pair{&out_, wire::Type::Out}, std::pair{&err_, wire::Type::Err}}) {
    std::uint64_t& bytes = type == wire::Type::Out ? out_bytes_ : err_bytes_;
    int left = 0;
    if (*fd < 0 || ioctl(*fd, FIONREAD, &left) != 0) continue;
    std::uint64_t until = bytes + static_cast<std::uint64_t>(left);
    while (bytes < until && *fd >= 0 && copy(*fd, type, bytes, port)) {
    }
  }
}

void Command::feed(std::string_view bytes) {
  if (in_ >= 0) input_.append(bytes);
}

void Command::end_input() { input_ended_ = in_ >= 0 && !terminal_; }

void Command::pump_input() {
  if (!input_.empty()) {
    ssize_t n = write(in_, input_.data(), input_.size());
    if (n > 0) input_.erase(0, static_cast<std::size_t>(n));
    if (n >= 0 || errno == EAGAIN || errno == EINTR) return;
    input_.clear();  // nobody reads it any more
    input_ended_ = !terminal_;
  }
  if (input_ended_) {
    close(in_);
    in_ = -1;
    input_ended_ = false;
  }
}

void Command::signal(int number) const {
  if (number > 0 && number < NSIG) kill(-pid_, number);
}

void Command::resize(int rows, int columns) const {
  if (!terminal_) return;
  winsize size{};
  size.ws_row = static_cast<unsigned short>(rows);
  size.ws_col = static_cast<unsigned short>(columns);
  ioctl(out_, TIOCSWINSZ, &size);
}

}  // namespace raceless::guest
