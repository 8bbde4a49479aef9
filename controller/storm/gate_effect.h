// SPDX-License-Identifier: GPL-2.0
// What the gate did in a storm: its counts, whether it kept its promise, and a storm without it
// beside one with it.
#ifndef RACELESS_CONTROLLER_STORM_GATE_EFFECT_H
#define RACELESS_CONTROLLER_STORM_GATE_EFFECT_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gate/gate_state.h"
#include "result.h"
#include "storm/storm.h"

namespace raceless {

class GateEffect {
 public:
  // Before the storm.
  static Result<GateEffect> begin();
  static GateEffect since(const GateState& before, const GatePrograms& programs = {});

  // After it: adds the counters gate_…, a line for the summary and, if the target is one of those
  // that the gate promises something about, a finding for uses that failed all the same, and one if
  // nothing was unloaded in a long storm. A gate that is not there any more is a finding too.
  void end(bool is_gated, StormResult& result) const;
  void compare(const GateState& after, bool is_gated, StormResult& result,
               const GatePrograms& programs = {}) const;

 private:
  struct Numbers {
    std::map<std::string, uint64_t> counts;
    raceless_hist restarts{};  // of each call that was restarted
  };

  static Numbers numbers_of(const GateState& state, const GatePrograms& programs);
  explicit GateEffect(Numbers before) : before_(std::move(before)) {}

  Numbers before_;
};

// The longest time in which no unload succeeded, ns: between two samples, the begin and the end.
[[nodiscard]] uint64_t longest_without_unload(const std::vector<Sample>& series);

// Failed uses, unloads a second, restarts, and the longest use beside the longest unload and load,
// without the gate and with it.
[[nodiscard]] std::string gate_comparison(const StormResult& off, const StormResult& on);

}  // namespace raceless

#endif
