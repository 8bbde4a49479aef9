// SPDX-License-Identifier: GPL-2.0
// From what was seen of a run to its one verdict.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ktap.h"
#include "splats.h"

namespace raceless::vm {

enum class Verdict { Pass, Fail, Splat, Panic, Timeout, Infra };
[[nodiscard]] const char* name_of(Verdict verdict);
[[nodiscard]] std::optional<Verdict> verdict_named(std::string_view name);

// Everything that was observed. The defaults are those of a run that never was.
struct Evidence {
  std::string broken_host;   // what the host could not do
  bool started = false;      // the Start frame arrived
  bool ended = false;        // the End frame arrived
  std::string broken_guest;  // what init could not do
  int status = -1;           // of the command
  std::uint64_t taint = 0;
  std::uint64_t bytes_sent = 0;      // stdout and stderr, as init counted them
  std::uint64_t bytes_received = 0;  // and as they arrived
  std::string results = "none";      // init's word
  std::string results_error;         // what the host found wrong with them
  std::string wire_damage;
  bool console_complete = false;  // it holds the end marker
  std::vector<Splat> splats;
  std::map<std::string, unsigned> foreign;  // reports on others' bugs
  unsigned allowed_warnings = 0;            // reports that the run's exceptions covered
  int qemu_status = -1;                     // exit status; -1 when we ended it
  bool interrupted = false;                 // the user's second Ctrl-C, or SIGTERM
  bool flooded = false;                     // the console log passed its limit
  bool timed_out = false;
  unsigned limit_s = 0;
  std::string shutdown;             // QEMU's word for why it ended: "guest-reset"; may be empty
  std::string most_said;            // of a flood: the message that is most of it
  std::string stuck_at;             // what the dump after the time limit says
  std::string last_error;           // the last line on the command's stderr
  std::string last_words;           // the last line on the console, or of QEMU's stderr
  int boots = 0;                    // how often it was tried
  std::optional<KtapSummary> ktap;  // set when a plan is demanded
  bool audited = false;             // the numbers must agree
  std::string numbers;              // do they? init's word
};

struct Judgement {
  Verdict verdict;
  std::string cause;  // one line; for a pass it says what proves it
};

[[nodiscard]] Judgement judge(const Evidence& seen);

// Taint bits that any module from outside the tree sets: O (out of tree) and E (unsigned).
inline constexpr std::uint64_t allowed_taint = 0x3000;
// "W (a warning), D (an oops)"
[[nodiscard]] std::string describe_taint(std::uint64_t taint);

}  // namespace raceless::vm
