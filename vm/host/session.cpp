// SPDX-License-Identifier: GPL-2.0
#include "session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <optional>

#include "../wire.h"
#include "console.h"
#include "qmp.h"
#include "terminal.h"

namespace raceless::vm {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// Blocks the signals that the session reads from a descriptor, until it is over.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGWINCH, SIGPIPE})
      sigaddset(&set_, number);
    sigprocmask(SIG_BLOCK, &set_, &old_);
    fd_ = Fd(signalfd(-1, &set_, SFD_NONBLOCK | SFD_CLOEXEC));
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() { sigprocmask(SIG_SETMASK, &old_, nullptr); }

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] std::optional<int> next() const {
    signalfd_siginfo info;
    if (read(fd_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
  }

 private:
  sigset_t set_{};
  sigset_t old_{};
  Fd fd_;
};

class Session {
 public:
  Session(const SessionOptions& options, const SplatRules& rules)
      : options_(options),
        rules_(rules),
        qmp_(options.folder),
        console_(options.folder / "console.log") {
    if (options.tape != Tape::None) qmp_.follow_to_the_end(options.stay);
  }

  SessionResult run();

 private:
  bool launch();
  [[nodiscard]] bool takes_input() const;
  void loop();
  void on_signals();
  void on_wire();
  void on_frame(const wire::Frame& frame);
  void on_input();
  void check_time();
  void check_replay();
  void end_of_patience();
  void abort();
  void collect();
  void give_up(const std::string& why);
  void send(wire::Type type, std::string_view payload);
  void store(const Fd& file, int copy_to, const std::string& bytes);

  const SessionOptions& options_;
  const SplatRules& rules_;
  SessionResult result_;
  Evidence& seen_ = result_.seen;
  Signals signals_;
  Child qemu_;
  Qmp qmp_;
  Fd to_guest_;
  Fd from_guest_;
  Fd stdout_file_;
  Fd stderr_file_;
  Console console_;
  wire::Encoder encoder_;
  wire::Decoder decoder_;
  bool qemu_gone_ = false;
  bool killed_ = false;
  bool input_open_ = false;
  int interrupts_ = 0;
  std::optional<Clock::time_point> aborted_at_;
  Clock::time_point start_ = Clock::now();
  std::optional<Clock::time_point> started_at_;
  std::optional<Clock::time_point> over_at_;   // the guest ended or panicked: QEMU should exit
  Clock::time_point asked_at_;                 // for a dump, at the time limit
  std::size_t log_bytes_ = std::string::npos;  // of the console, what counts for the verdict
  bool nmi_sent_ = false;
};

void Session::give_up(const std::string& why) {
  if (seen_.broken_host.empty()) seen_.broken_host = why;
  abort();
}

void Session::abort() {
  if (qemu_gone_) return;
  killed_ = true;
  // A recording is whole only when QEMU itself ends it.
  if (options_.tape != Tape::None && !aborted_at_) {
    aborted_at_ = Clock::now();
    qmp_.stop();
  } else if (!aborted_at_ || seconds_since(*aborted_at_) > options_.grace_s) {
    qemu_.kill(SIGKILL);
  }
}

// A pipe that can be written to takes PIPE_BUF bytes, and a frame of input is shorter.
bool Session::takes_input() const {
  pollfd pipe = {to_guest_.get(), POLLOUT, 0};
  return poll(&pipe, 1, 0) == 1;
}

bool Session::launch() {
  int to[2];
  int from[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) {
    seen_.broken_host = fmt::format("cannot make pipes: {}", std::strerror(errno));
    return false;
  }
  Fd guest_in(to[0]);
  Fd guest_out(from[1]);
  to_guest_ = Fd(to[1]);
  from_guest_ = Fd(from[0]);
  auto create = [&](const char* name) {
    return Fd(
        open((options_.folder / name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  };
  stdout_file_ = create("stdout");
  stderr_file_ = create("stderr");
  Fd log = create("qemu.log");
  if (!stdout_file_ || !stderr_file_ || !log) {
    seen_.broken_host =
        fmt::format("cannot write into {}: {}", options_.folder.string(), std::strerror(errno));
    return false;
  }
  auto child =
      Child::start(options_.command, options_.folder, guest_in.get(), guest_out.get(), log.get());
  if (!child) {
    seen_.broken_host = child.error().message();
    return false;
  }
  qemu_ = std::move(*child);
  return true;
}

void Session::send(wire::Type type, std::string_view payload) {
  // QEMU would record it, but with sleep=off never deliver it; and in a replay there is no host.
  if (options_.tape != Tape::None) return;
  // Input is only read when the pipe to QEMU takes as much, and all else is a few bytes: it never
  // waits. When the pipe is gone, so is the guest.
  (void)write_all(to_guest_.get(), encoder_.encode(type, payload));
}

void Session::store(const Fd& file, int copy_to, const std::string& bytes) {
  seen_.bytes_received += bytes.size();
  if (!write_all(file.get(), bytes))
    give_up(fmt::format("cannot write the command's output to {}: {}", options_.folder.string(),
                        std::strerror(errno)));
  if (options_.copy_output) (void)write_all(copy_to, bytes);
}

void Session::on_frame(const wire::Frame& frame) {
  switch (frame.type) {
    case wire::Type::Start:
      // Not a guest to judge anything by: it is booted again, as one that dies before its init.
      if (stalled_before_init(rules_, read_console(options_.folder / "console.log")))
        return abort();
      seen_.started = true;
      started_at_ = Clock::now();
      input_open_ = options_.terminal || options_.input;
      break;
    case wire::Type::Out:
      store(stdout_file_, 1, frame.payload);
      break;
    case wire::Type::Err:
      store(stderr_file_, 2, frame.payload);
      break;
    case wire::Type::End: {
      wire::Fields fields = wire::decode_fields(frame.payload);
      seen_.ended = true;
      seen_.status = static_cast<int>(wire::number(fields, "status").value_or(-1));
      seen_.taint = static_cast<std::uint64_t>(wire::number(fields, "taint").value_or(-1));
      seen_.bytes_sent = static_cast<std::uint64_t>(wire::number(fields, "out_bytes").value_or(0) +
                                                    wire::number(fields, "err_bytes").value_or(0));
      seen_.results = fields["results"];
      seen_.numbers = fields["numbers"];
      seen_.broken_guest = fields["broken"];
      if (started_at_) result_.times.command_s = seconds_since(*started_at_);
      over_at_ = Clock::now();
      break;
    }
    default:
      seen_.wire_damage = "a frame of unknown type";
  }
}

void Session::on_wire() {
  char buffer[65536];
  ssize_t n = read(from_guest_.get(), buffer, sizeof buffer);
  if (n == 0 || (n < 0 && errno != EINTR)) from_guest_.reset();
  if (n <= 0) return;
  decoder_.feed({buffer, static_cast<std::size_t>(n)});
  while (auto frame = decoder_.next()) on_frame(*frame);
}

void Session::on_input() {
  char buffer[wire::max_payload_bytes / 2];
  ssize_t n = read(0, buffer, sizeof buffer);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n > 0) return send(wire::Type::In, {buffer, static_cast<std::size_t>(n)});
  input_open_ = false;
  send(wire::Type::InEnd, {});
}

void Session::on_signals() {
  while (auto number = signals_.next()) {
    if (*number == SIGCHLD) {
      int status = 0;
      if (!qemu_gone_ && qemu_.ended(false, status, result_.times.cpu_s)) {
        qemu_gone_ = true;
        seen_.qemu_status = killed_ ? -1 : status;
      }
    } else if (*number == SIGWINCH) {
      winsize size{};
      if (options_.terminal && seen_.started && ioctl(0, TIOCGWINSZ, &size) == 0)
        send(wire::Type::Resize, wire::encode_fields({{"rows", std::to_string(size.ws_row)},
                                                      {"columns", std::to_string(size.ws_col)}}));
    } else if (*number == SIGINT && seen_.started && !seen_.ended && options_.tape == Tape::None &&
               ++interrupts_ == 1) {
      send(wire::Type::Signal, wire::encode_fields({{"number", std::to_string(SIGINT)}}));
    } else if (*number != SIGPIPE) {
      seen_.interrupted = true;
      abort();
    }
  }
}

// The limit is over, so the verdict stands; what comes now is for whoever reads the log. A guest
// whose init still answers is asked for the stacks, one that does not is made to panic.
void Session::end_of_patience() {
  double waited = seconds_since(asked_at_);
  if (console_.dumped() || waited > options_.grace_s) return abort();
  bool answers = console_.bytes() > log_bytes_;
  if (waited < options_.grace_s / (answers ? 2.0 : 5.0) || nmi_sent_) return;
  nmi_sent_ = true;
  if (!qmp_.inject_nmi()) abort();
}

void Session::check_replay() {
  seen_.flooded = console_.flooded() && !seen_.ended;
  if (options_.limit_s > 0 && seconds_since(start_) > options_.limit_s)
    give_up(
        fmt::format("the replay did not end within {} s: it went another way than the recording",
                    options_.limit_s));
}

void Session::check_time() {
  console_.follow();
  if (aborted_at_) return abort();
  if (options_.tape == Tape::Replay) return check_replay();
  if (console_.panicked() && !over_at_ && !seen_.timed_out) over_at_ = Clock::now();
  if (console_.flooded() && !seen_.ended && !seen_.timed_out) {
    seen_.flooded = true;
    abort();
  }
  if (over_at_) {
    if (seconds_since(*over_at_) > options_.grace_s) abort();
  } else if (seen_.timed_out) {
    end_of_patience();
  } else if (started_at_) {
    if (options_.limit_s > 0 && seconds_since(*started_at_) > options_.limit_s) {
      seen_.timed_out = true;
      // A recorded machine can be asked nothing, but its replay can be looked into.
      if (options_.tape != Tape::None) return abort();
      asked_at_ = Clock::now();
      log_bytes_ = console_.bytes();
      send(wire::Type::Dump, {});
    }
  } else if (seconds_since(start_) > options_.boot_limit_s) {
    abort();
  }
}

void Session::loop() {
  std::optional<RawTerminal> raw;
  if (options_.terminal) raw.emplace();
  while (!qemu_gone_) {
    pollfd fds[] = {{signals_.fd(), POLLIN, 0},
                    {from_guest_.get(), POLLIN, 0},
                    {input_open_ && takes_input() ? 0 : -1, POLLIN, 0},
                    {qmp_.fd(), POLLIN, 0}};
    if (poll(fds, std::size(fds), 100) < 0 && errno != EINTR) return give_up("poll failed");
    if (fds[1].revents) on_wire();
    if (fds[2].revents) on_input();
    qmp_.attend();
    if (fds[0].revents) on_signals();
    check_time();
  }
  while (from_guest_) on_wire();  // what QEMU wrote before it went
  qmp_.attend();
}

void Session::collect() {
  seen_.limit_s = options_.limit_s;
  if (options_.tape == Tape::Replay) seen_.timed_out = options_.timed_out;
  result_.instructions = qmp_.instructions();
  if (!decoder_.damage().empty()) seen_.wire_damage = decoder_.damage();
  result_.times.total_s = seconds_since(start_);
  result_.times.boot_s =
      started_at_ ? std::chrono::duration<double>(*started_at_ - start_).count() : 0;
  if (started_at_ && !seen_.ended) result_.times.command_s = seconds_since(*started_at_);
  std::string log = read_console(options_.folder / "console.log");
  seen_.shutdown = qmp_.shutdown_reason();
  std::error_code ignored;
  std::filesystem::remove(options_.folder / qmp_socket, ignored);
  if (seen_.timed_out) seen_.stuck_at = where_stuck(log.substr(std::min(log.size(), log_bytes_)));
  log.resize(std::min(log.size(), log_bytes_));
  SplatScan scan = rules_.scan(log);
  seen_.splats = std::move(scan.splats);
  seen_.allowed_warnings = scan.allowed_warnings;
  seen_.foreign = std::move(scan.foreign);
  seen_.console_complete = log.find(wire::end_marker) != std::string::npos;
  if (seen_.flooded) seen_.most_said = most_said(log);
  seen_.last_words = last_line(log);
  seen_.last_error = last_line(read_console(options_.folder / "stderr"));
  if (seen_.last_words.empty())
    seen_.last_words = last_line(read_console(options_.folder / "qemu.log"));
}

SessionResult Session::run() {
  if (launch()) {
    loop();
    collect();
  }
  return result_;
}

}  // namespace

SessionResult run_session(const SessionOptions& options, const SplatRules& rules) {
  return Session(options, rules).run();
}

}  // namespace raceless::vm
