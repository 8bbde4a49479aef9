// SPDX-License-Identifier: GPL-2.0
// What a recorded run leaves beside its other files, so that it can be replayed exactly: QEMU's log
// of all that came into the machine from outside (`recording`), and `recording.json`: what the
// machine was, what a replay must find unchanged, and what it must come to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "machine.h"
#include "verdict.h"

namespace raceless::vm {

using Digests = std::map<std::string, std::string>;  // names below the run folder, and sha256

struct Recording {
  std::string kernel;    // its release
  std::string qemu;      // its version
  std::string firmware;  // a digest: it is QEMU's to bring, and runs in the guest
  Machine machine;
  std::vector<std::string> allow;
  bool demand_ktap = false;
  unsigned limit_s = 0;
  bool audited = false;
  bool timed_out = false;
  bool interrupted = false;
  double seconds = 0;
  std::string verdict;
  std::string cause;
  std::optional<std::uint64_t> instructions;  // executed when the machine stood still
  Digests inputs;                             // kernel, initramfs and the recording itself
  Digests outputs;                            // all that the guest said and left
};

[[nodiscard]] Status write_recording(const Recording& recording,
                                     const std::filesystem::path& folder);
[[nodiscard]] Result<Recording> read_recording(const std::filesystem::path& folder);

[[nodiscard]] Result<Digests> digest_inputs(const std::filesystem::path& folder);
// Console, stdout, stderr, KTAP and results; not the host's own notes, nor what is only a link.
[[nodiscard]] Result<Digests> digest_outputs(const std::filesystem::path& folder);
[[nodiscard]] Result<std::string> digest_firmware();
[[nodiscard]] Result<std::string> digest_file(const std::filesystem::path& file);

// What keeps this host from replaying it, in words with the remedy, or nothing. `found` are the
// digests of the folder's inputs.
[[nodiscard]] std::string why_not_here(const Recording& recording, const std::string& qemu,
                                       const std::string& firmware, const Digests& found);

// What a replay came to, of the members that `Recording` has for it.
[[nodiscard]] std::vector<std::string> differences(const Recording& recorded,
                                                   const Recording& replayed);

}  // namespace raceless::vm
