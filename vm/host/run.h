// SPDX-License-Identifier: GPL-2.0
// One run: a command in a guest, its verdict, and the folder that it leaves.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "accel.h"
#include "initramfs.h"
#include "session.h"
#include "verdict.h"

namespace raceless::vm {

struct RunSpec {
  std::string name;  // of the case, if it is one
  Kernel kernel;
  std::string accel = "auto";
  unsigned smp = 2;
  unsigned memory_mib = 1024;
  unsigned timeout_s = 300;  // 0: none
  std::vector<std::string> append;
  std::vector<std::string> allow;  // patterns of complaints that this run may provoke
  GuestFiles files;
  bool results_disk = true;
  bool terminal = false;
  bool input = false;
  bool demand_ktap = false;
  bool audit = false;  // the guest compares the registry's numbers with the kernel's
  bool copy_output = true;
  bool record = false;   // so that it can be replayed exactly; one CPU
  unsigned replays = 0;  // of the recording, at once; one that differs is a failure of the run
  std::filesystem::path folder;
};

struct RunOutcome {
  Judgement judgement;
  Evidence seen;
  SessionTimes times;
  Accel accel;
  std::optional<std::uint64_t> instructions;  // of a recorded machine, when it stood still
};

// The detectors of a run: the project's rules and the run's exceptions.
[[nodiscard]] Result<SplatRules> load_rules(const Project& project,
                                            const std::vector<std::string>& allow);
// What the guest left in the folder: results are unpacked, KTAP is read.
void collect(const std::filesystem::path& folder, bool demand_ktap, Evidence& seen);

// Nothing before QEMU's first start is left behind when it fails: those failures are returned as
// errors, and an INFRA verdict is for what happened later. `say` gets one line about what is about
// to run.
[[nodiscard]] Result<RunOutcome> run_case(const Project& project, const RunSpec& spec,
                                          const std::function<void(const std::string&)>& say);

}  // namespace raceless::vm
