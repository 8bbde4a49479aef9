// SPDX-License-Identifier: GPL-2.0
// What a storm is directed at: one class for each kind of target, and one table of them.
#ifndef RACELESS_CONTROLLER_TARGETS_TARGET_H
#define RACELESS_CONTROLLER_TARGETS_TARGET_H

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "leaks/tested_code.h"
#include "result.h"
#include "storm/findings.h"
#include "storm/parameters.h"
#include "storm/tally.h"
#include "storm/worker.h"
#include "tracing.h"

namespace raceless {

class Target {
 public:
  Target() = default;
  // Takes back what prepare() did, after all workers are gone.
  virtual ~Target() = default;
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  // Threads and pacing, where the user did not say otherwise.
  [[nodiscard]] virtual Crews default_crews() const = 0;
  // The longest time for which a consumer or an unloader keeps what it got.
  [[nodiscard]] virtual uint64_t max_hold_ns() const { return 0; }
  [[nodiscard]] virtual Tracing::Options tracing_options() const = 0;
  // The modules of the running kernel that have to be installed for it.
  [[nodiscard]] virtual std::vector<std::string> needs() const { return {}; }

  // Before any thread runs. An error means: cannot run here.
  [[nodiscard]] virtual Status prepare() = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Worker>> make_worker(Surroundings surroundings) = 0;

  // From the main thread, some times a second while the storm runs, and as the very last.
  virtual void check_during(Findings& /*findings*/) {}
  // After how many unloads leaks are looked for, where the user did not say.
  [[nodiscard]] virtual uint64_t default_leak_check() const { return 50; }
  // While all workers wait: unloads what is under test, counting as an unloader does, and lets
  // finish what goes on by itself. An error: it cannot be done now.
  [[nodiscard]] virtual Status rest(Tally& /*tally*/) { return {}; }
  // The code whose memory is to be looked at then.
  [[nodiscard]] virtual TestedCode tested_code() const { return {}; }
  // After all workers have ended: is everything as if there had been no storm?
  virtual void check_end(Findings& findings) = 0;

  // How often the module, or an instance, came back because somebody asked for it.
  [[nodiscard]] virtual uint64_t reloads(const Counts& totals) const = 0;
  // More counters for run.json, by name.
  [[nodiscard]] virtual std::map<std::string, uint64_t> extra_counters() const { return {}; }
  // What the summary says of this target alone, in whole lines.
  [[nodiscard]] virtual std::string summary_lines() const { return ""; }
  // Does the gate promise that no use fails?
  [[nodiscard]] virtual bool is_gated() const { return false; }
  // A complaint of the kernel that belongs to the failure under study.
  [[nodiscard]] virtual bool expects_complaint(std::string_view /*line*/) const { return false; }
  // The same for the VM harness: a pattern of the message that comes with it; "" if there is none.
  [[nodiscard]] virtual std::string expected_message() const { return ""; }
};

// A target by the name that the user gave. An error (usage) lists the valid ones.
[[nodiscard]] Result<std::unique_ptr<Target>> make_target(const Parameters& parameters);

// For --help: one line for each kind.
[[nodiscard]] std::string list_targets();

}  // namespace raceless

#endif
