// SPDX-License-Identifier: GPL-2.0
#include "machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "../../controller/numbers.h"
#include "../wire.h"
#include "qemu.h"
#include "qmp.h"

namespace raceless::vm {
namespace {

// The kernel refuses more, and then keeps its own much shorter time.
constexpr unsigned max_watchdog_thresh_s = 60;

std::string quoted(const std::string& word) {
  if (word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "-_=,./:+@%") == std::string::npos)
    return word;
  std::string text = "'";
  for (char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

// What makes QEMU's record/replay (its docs/system/replay.rst) hold:
// - One CPU. QEMU refuses more, for a reason: with a second CPU smuggled past that check (-device)
//   a recording is made, but its replay goes astray at once, where the firmware starts that CPU.
// - Time is the count of executed instructions, 8 ns each, about what TCG does; nothing depends on
//   the host's speed. sleep=off: an idle guest skips to its next timer. With sleep=on it would wait
//   in real time, and the log was 13 times as long.
// - sleep=off has a price: QEMU 7.2 hands what comes from outside (input of a chardev, the end of a
//   blkreplay request) to the guest in icount_account_warp_timer(), which then never does. A guest
//   with NVMe over blkreplay hung in its boot. So nothing comes from outside: the host says nothing
//   on the wire, sends no NMI (which no log would know of either way), and results leave through a
//   port that is only written, byte by byte. All that is left in the log are clocks and timers.
// - KASLR off, so that symbols fit. preempt=full, because on one CPU preemption is what is left of
//   concurrency.
// - QEMU stands still when the guest has ended, so that one can ask at which instruction.
void add_tape(Argv& argv, const Machine& m) {
  argv.insert(argv.end(),
              {"-icount", fmt::format("shift=3,sleep=off,rr={},rrfile={}",
                                      m.tape == Tape::Record ? "record" : "replay", tape_file)});
}

void add_results(Argv& argv, const Machine& m) {
  if (m.results_port || m.tape != Tape::None)
    argv.insert(argv.end(),
                {"-chardev", "file,id=results,path=results.img", "-device",
                 fmt::format("isa-debugcon,iobase={:#x},chardev=results", wire::results_port)});
  else
    argv.insert(argv.end(), {"-drive", "file=results.img,format=raw,if=none,id=results", "-device",
                             "nvme,serial=results,drive=results"});
}

std::string accel_option(const Machine& m) {
  if (m.accel != "tcg") return m.accel;
  return m.tape == Tape::None ? "tcg,thread=multi" : "tcg,thread=single";
}

// The BIOS names one CPU of each socket in its MP table, and that is all that our own kernels read.
std::string cpu_option(const Machine& m) { return fmt::format("{0},sockets={0}", m.smp); }

Argv command_with(const Machine& m, const std::string& console, const std::string& wire) {
  Argv argv = {qemu,
               "-nodefaults",
               "-no-user-config",
               "-no-reboot",
               "-display",
               "none",
               "-machine",
               "pc",
               "-accel",
               accel_option(m),
               "-smp",
               cpu_option(m),
               "-m",
               std::to_string(m.memory_mib),
               "-kernel",
               "vmlinuz",
               "-initrd",
               "initramfs",
               "-append",
               m.kernel_arguments(),
               "-chardev",
               console,
               "-serial",
               "chardev:console",
               "-chardev",
               wire,
               "-serial",
               "chardev:wire",
               "-device",
               fmt::format("isa-debug-exit,iobase={:#x},iosize=4", wire::debug_exit_port)};
  // With RDRAND the kernel has its random numbers from the start. Without, it patches its code for
  // that seconds after init began, where no boot is tried again, and on emulated CPUs such a patch
  // may be met half done (Oops: int3). What RDRAND gives is not on a tape.
  if (m.accel == "kvm")
    argv.insert(argv.end(), {"-cpu", "host"});
  else if (m.tape == Tape::None)
    argv.insert(argv.end(), {"-cpu", "qemu64,+rdrand"});
  if (m.tape != Tape::None) add_tape(argv, m);
  if (m.results_disk) add_results(argv, m);
  return argv;
}

}  // namespace

unsigned patience_for(double load, unsigned host_cpus, unsigned guest_cpus) {
  double factor = std::ceil((load + guest_cpus) / std::max(1u, host_cpus));
  return static_cast<unsigned>(std::clamp(factor, 1.0, 8.0));
}

unsigned stretched_limit(unsigned limit_s, unsigned patience) {
  constexpr unsigned most_more_s = 300;  // a command that hangs must not keep everybody for hours
  return limit_s + std::min(limit_s * (patience - 1), most_more_s);
}

Result<std::string> perturbation_arguments(const char* text) {
  if (text == nullptr || *text == '\0') return std::string();
  const std::string_view value = text;
  const std::size_t colon = value.find(':');
  const auto percent = to_number(value.substr(0, colon));
  const auto seed = colon == std::string_view::npos ? std::optional<uint64_t>(1)
                                                    : to_number(value.substr(colon + 1));
  if (!percent || *percent > 100 || !seed)
    return fail(EINVAL,
                fmt::format("PERTURB={} is no percentage; write 10, or 10:7 with a seed", text));
  return fmt::format("raceless.perturb_percent={} raceless.perturb_seed={}", *percent, *seed);
}

std::string Machine::kernel_arguments() const {
  // A dying kernel must say so and end at once; -no-reboot turns its reboot into QEMU's exit.
  std::string text = fmt::format(
      "console=ttyS0 printk.devkmsg=on no_timer_check oops=panic panic=-1 softlockup_panic=1 "
      "unknown_nmi_panic "
      "hung_task_panic=1 sysctl.kernel.panic_on_rcu_stall=1 "
      "sysctl.kernel.hung_task_timeout_secs={} "
      "sysctl.kernel.watchdog_thresh={} rcupdate.rcu_cpu_stall_timeout={}",
      10 * patience, std::min(10 * patience, max_watchdog_thresh_s), 5 * patience);
  if (tape != Tape::None) text += " nokaslr preempt=full";
  for (const std::string& more : append) text += " " + more;
  return text;
}

Argv Machine::command() const {
  Argv argv = command_with(*this, "file,id=console,path=console.log", "stdio,id=wire,signal=off");
  argv.insert(argv.end(), {"-qmp", fmt::format("unix:{},server=on,wait=off", qmp_socket)});
  if (tape != Tape::None) argv.insert(argv.end(), {"-action", "shutdown=pause"});
  // The drive belongs to no device; QEMU keeps a snapshot in its temporary overlay, from which it
  // runs forward again to "go back".
  if (!debugger.empty())
    argv.insert(argv.end(), {"-S", "-gdb", debugger, "-drive",
                             "file=snapshots.img,format=raw,if=none,id=snapshots,snapshot=on"});
  return argv;
}

std::string Machine::script(unsigned limit_s) const {
  std::string text = R"sh(#!/bin/sh
# Boots this case again by hand: the console comes to the terminal, what the command prints goes to
# again.wire (frames, readable as text for the most part), results to again/; it has no input. Needs
# only QEMU and this folder. Exits with the command's exit status (at most 111), or 125 when the
# guest ended without proof or reached the time limit.
cd "$(dirname "$0")" || exit 125
)sh";
  if (results_disk)
    text += fmt::format("rm -f results.img && truncate -s {} results.img || exit 125\n",
                        results_disk_bytes);
  if (limit_s > 0) text += fmt::format("timeout --foreground {} ", limit_s);
  for (const std::string& word :
       command_with(*this, "stdio,id=console,signal=on", "file,id=wire,path=again.wire"))
    text += quoted(word) + " ";
  text += "\nstatus=$?\n";
  if (results_disk)
    text += "mkdir -p again && tar -xf results.img -C again 2>/dev/null\nrm -f results.img\n";
  return text + fmt::format(R"sh(if [ $((status % 2)) -eq 0 ] || [ "$status" -lt {0} ]; then
  echo "the guest ended without proof (QEMU exit $status)" >&2
  exit 125
fi
echo "the command's exit status was $(((status - {0}) / 2))" >&2
exit $(((status - {0}) / 2))
)sh",
                            wire::qemu_exit_status(0));
}

}  // namespace raceless::vm
