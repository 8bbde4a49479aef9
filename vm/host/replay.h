// SPDX-License-Identifier: GPL-2.0
// A recorded run, once more, instruction for instruction.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "initramfs.h"
#include "recording.h"

namespace raceless::vm {

struct ReplaySpec {
  std::filesystem::path folder;  // of the recorded run
  std::string debugger;          // where QEMU waits for gdb; empty: it runs at once
  bool copy_output = true;       // the command's output goes to our stdout and stderr too
};

struct Replayed {
  Judgement judgement;
  Recording result;                      // the members that a replay has
  std::vector<std::string> differences;  // from the recording; empty when it was exact
};

// Runs in the subfolder `replay` of the run folder, which it makes anew. It is an error when this
// host cannot replay the recording. The detectors are those of any run; none of them is told what
// the recording came to.
[[nodiscard]] Result<Replayed> replay(const Project& project, const ReplaySpec& spec);

// The command line for a gdb that joins the replay of that folder, with the symbols it needs; makes
// the kernel's when there are none yet.
[[nodiscard]] Result<std::string> gdb_command(const Project& project,
                                              const std::filesystem::path& folder,
                                              const std::string& port);

// One line: what the replay came to, and whether that is what was recorded.
[[nodiscard]] std::string describe(const Replayed& replayed);

}  // namespace raceless::vm
