// SPDX-License-Identifier: GPL-2.0
// The virtual machine of a case: QEMU's command line and the kernel's.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "../../controller/result.h"
#include "process.h"

namespace raceless::vm {

// Whether QEMU writes or reads the log of all that comes into the machine from outside.
enum class Tape { None, Record, Replay };

struct Machine {
  std::string accel = "tcg";
  unsigned smp = 2;
  unsigned memory_mib = 1024;
  bool results_disk = false;
  bool results_port = false;  // a port in place of a disk, for a kernel that has to load its driver
  unsigned patience = 1;      // by how much the kernel's detectors wait longer
  std::vector<std::string> append;  // more of the kernel command line
  Tape tape = Tape::None;
  std::string debugger;  // where QEMU waits for gdb, as its -gdb takes it; empty: it does not

  [[nodiscard]] std::string kernel_arguments() const;
  // Names are relative to the run folder. The wire is QEMU's stdin and stdout.
  [[nodiscard]] Argv command() const;
  // A script for the run folder that boots the same machine again by hand; 0 is no limit.
  [[nodiscard]] std::string script(unsigned limit_s) const;
};

// How many times slower than an idle host this one will run a guest of that many CPUs.
[[nodiscard]] unsigned patience_for(double load, unsigned host_cpus, unsigned guest_cpus);
// A command's limit there: it gets as much longer as the kernel's detectors do, within reason.
[[nodiscard]] unsigned stretched_limit(unsigned limit_s, unsigned patience);

// The kernel's arguments for a raceless.ko that was built with PERTURB="PERCENT[:SEED]"; empty:
// none.
[[nodiscard]] Result<std::string> perturbation_arguments(const char* text);

inline constexpr std::uint64_t results_disk_bytes = 1ull << 30;
inline constexpr const char* tape_file = "recording";
// The detectors of a recorded guest count its own time, which a busy host does not stretch.
inline constexpr unsigned recorded_patience = 4;

}  // namespace raceless::vm
