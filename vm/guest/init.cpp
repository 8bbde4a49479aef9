// SPDX-License-Identifier: GPL-2.0
// The guest's init: run one command, tell the host everything about it, end the machine.
//
// The host can trust nothing that a dying kernel leaves undone, so each stage of this program ends
// in something that the host sees arrive, and a case passes only when all of it arrived:
//
//   1. Mount what a command expects and open the second serial port (the wire, see wire.h).
//   2. Send Start. What dies before it was never the command's fault, what dies after always is.
//   3. Run the command of /case/argv with the environment of /case/env, its stdout and stderr
//      streamed as frames while it runs; with a terminal of its own when /case/options asks.
//      As PID 1, reap whatever is orphaned. Signals that the host sends go to the command's
//      process group.
//   4. When the command has ended, copy what is left in its pipes (background children may hold
//      them open; they are not waited for), compare the numbers if the options ask for it and the
//      command ended well, let the kernel look through its slab caches and for leaks, and write
//      /results as a tar to the results disk.
//   5. Read the taint mask, write the end marker to the kernel log and wait until the console has
//      printed it, so that the host's console log is known to be whole.
//   6. Send End: exit status (128 + n for signal n), taint, bytes sent, whether the numbers agree,
//      fate of the results.
//   7. Leave through isa-debug-exit, whose code QEMU's exit status repeats.
//
// Nothing else is loaded and no service is started: a bare case costs little more than a bare
// kernel. A failure of init itself is sent as an End with the field `broken`; without a wire it
// goes to the kernel log, and the machine ends without proof, which the host never takes for a
// pass.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/io.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "../wire.h"
#include "audit.h"
#include "command.h"
#include "leaks.h"
#include "mounts.h"
#include "port.h"
#include "results.h"
#include "slabs.h"

namespace raceless::guest {
namespace {

bool write_file(const char* path, std::string_view text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool whole = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fd);
  return whole;
}

void log_line(std::string_view text) { write_file("/dev/kmsg", "<5>" + std::string(text) + "\n"); }

[[noreturn]] void leave(int status) {
  if (ioperm(wire::debug_exit_port, 4, 1) == 0)
    outl(static_cast<unsigned>(wire::debug_exit_code(status)), wire::debug_exit_port);
  // No such device: on a machine that was started by other means. The kernel panics when init
  // returns, so wait for someone to switch it off.
  for (;;) pause();
}

std::string read_line(const char* path) {
  std::string text = read_file(path);
  return text.substr(0, text.find('\n'));
}

// Blocks until the console printed all that is in the kernel log: /dev/console is looked up under
// the console lock, and whoever releases that lock first prints what is left.
void flush_console() {
  log_line(wire::end_marker);
  int fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0) close(fd);
}

// Reaps every child there is. Returns the wait status of `command` when it was among them.
std::optional<int> reap(pid_t command) {
  std::optional<int> found;
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
    if (pid == command) found = status;
  return found;
}

void obey(const wire::Frame& frame, Command& command) {
  wire::Fields fields;
  switch (frame.type) {
    case wire::Type::In:
      command.feed(frame.payload);
      break;
    case wire::Type::InEnd:
      command.end_input();
      break;
    case wire::Type::Signal:
      fields = wire::decode_fields(frame.payload);
      command.signal(static_cast<int>(wire::number(fields, "number").value_or(SIGTERM)));
      break;
    case wire::Type::Resize:
      fields = wire::decode_fields(frame.payload);
      command.resize(static_cast<int>(wire::number(fields, "rows").value_or(24)),
                     static_cast<int>(wire::number(fields, "columns").value_or(80)));
      break;
    case wire::Type::Dump:
      write_file("/proc/sysrq-trigger", "l");  // each CPU's stack
      write_file("/proc/sysrq-trigger", "w");  // and each blocked task's
      log_line(wire::dump_marker);
      break;
    default:
      log_line("raceless-init: a frame of unknown type from the host");
  }
}

// Runs until the command has ended; returns its exit status as a shell would have it.
int supervise(Command& command, Port& port, int signals) {
  wire::Decoder decoder;
  for (;;) {
    pollfd fds[] = {{signals, POLLIN, 0},
                    {command.out(), POLLIN, 0},
                    {command.err(), POLLIN, 0},
                    {port.fd(), POLLIN, 0},
                    {command.wants_input() ? command.in() : -1, POLLOUT, 0}};
    if (poll(fds, std::size(fds), -1) < 0) continue;
    if (fds[1].revents) command.copy_out(port);
    if (fds[2].revents) command.copy_err(port);
    if (fds[4].revents) command.pump_input();
    if (fds[3].revents & POLLIN) {
      decoder.feed(port.receive());
      while (auto frame = decoder.next()) obey(*frame, command);
    }
    if (fds[0].revents & POLLIN) {
      signalfd_siginfo drained;
      while (read(signals, &drained, sizeof drained) == sizeof drained) {
      }
      if (auto status = reap(command.pid()))
        return WIFSIGNALED(*status) ? 128 + WTERMSIG(*status) : WEXITSTATUS(*status);
    }
  }
}

int block_sigchld() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

// The kernel hands us parameters that it does not know itself. On a machine whose time is its count
// of instructions, this is how two runs come to be different.
void wait_for_phase() {
  const char* phase = getenv("raceless_phase");
  timespec wait{0, phase ? atol(phase) * 1000L : 0};
  if (wait.tv_nsec <= 0 || wait.tv_nsec >= 1'000'000'000) return;
  timespec start{};
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while ((now.tv_sec - start.tv_sec) * 1'000'000'000 + now.tv_nsec - start.tv_nsec <
           wait.tv_nsec);
}

// KCSAN, on a kernel that has it and has not begun at boot, when there is nothing of ours to see.
// It finds a race if another CPU comes by while it waits at an access. Ours are threads of a host
// that has others to run, for milliseconds at a time: so it waits longer than by default (80 us),
// and less often (at every 4,000th access of a CPU).
void find_races() {
  constexpr const char* kcsan = "/sys/kernel/debug/kcsan";
  if (access(kcsan, F_OK) != 0) return;
  if (!write_file("/sys/module/kcsan/parameters/udelay_task", "2000") ||
      !write_file("/sys/module/kcsan/parameters/skip_watch", "20000") || !write_file(kcsan, "on"))
    log_line("KCSAN cannot be switched on: nobody looks for data races");
}

int run() {
  if (std::string error = mount_all(); !error.empty()) {
    log_line("raceless-init: " + error);
    return 125;
  }
  Port port;
  if (std::string error = port.open("/dev/ttyS1"); !error.empty()) {
    log_line("raceless-init: " + error);
    return 125;
  }
  wire::Fields options = wire::decode_fields(read_file("/case/options"));
  wait_for_phase();
  find_races();
  port.send(wire::Type::Start,
            wire::encode_fields({{"release", read_line("/proc/sys/kernel/osrelease")}}));

  int signals = block_sigchld();
  wire::Fields end;
  int status = 125;
  const bool audit = wire::number(options, "audit").value_or(0) != 0;
  if (audit) end["numbers"] = begin_audit();
  Command command;
  if (std::string error = command.start(options); !error.empty()) {
    end["broken"] = error;
  } else {
    status = supervise(command, port, signals);
    command.drain(port);
    end["out_bytes"] = std::to_string(command.out_bytes());
    end["err_bytes"] = std::to_string(command.err_bytes());
  }
  if (audit && status == 0 && end["numbers"].empty()) end["numbers"] = end_audit();
  validate_slabs();
  find_leaks(log_line);
  save_results(options, end);
  flush_console();
  end["taint"] = read_line("/proc/sys/kernel/tainted");
  end["status"] = std::to_string(status);
  port.send(wire::Type::End, wire::encode_fields(end));
  port.drain();
  return status;
}

}  // namespace
}  // namespace raceless::guest

int main() { raceless::guest::leave(raceless::guest::run()); }
