// SPDX-License-Identifier: GPL-2.0
// One boot of a machine, from QEMU's start to its end, with everything that was seen meanwhile.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "machine.h"
#include "splats.h"
#include "verdict.h"

namespace raceless::vm {

struct SessionOptions {
  std::filesystem::path folder;
  Argv command;
  unsigned boot_limit_s = 60;
  unsigned limit_s = 120;   // from init's start; 0: none
  unsigned grace_s = 10;    // for QEMU to exit after its guest has ended or panicked
  bool terminal = false;    // our terminal is the guest's
  bool input = false;       // our stdin is the command's
  bool copy_output = true;  // the command's output goes to our stdout and stderr too
  // Nothing of ours may reach a guest on tape. In a replay, limit_s is for the whole.
  Tape tape = Tape::None;
  bool stay = false;       // a replayed machine is left standing at its end, for a debugger
  bool timed_out = false;  // replay: the recording ended at its time limit
};

struct SessionTimes {
  double boot_s = 0;     // QEMU's start to init's
  double command_s = 0;  // init's start to its end record
  double total_s = 0;
  double cpu_s = 0;  // of QEMU
};

struct SessionResult {
  Evidence seen;  // without ktap, results, audited and boots, which are the caller's to add
  SessionTimes times;
  std::optional<std::uint64_t> instructions;  // of a tape's machine, when it stood still
};

// Writes console.log, stdout, stderr and qemu.log into the folder. SIGINT goes to the command, a
// second one ends the guest, as SIGTERM does.
[[nodiscard]] SessionResult run_session(const SessionOptions& options, const SplatRules& rules);

}  // namespace raceless::vm
