// SPDX-License-Identifier: GPL-2.0
// The gate's two halves, raceless.ko and its BPF programs, turned on and off together.
//
// The programs' links and maps are pinned in Gate::pin_dir, so that the gate outlives whoever
// turned it on. In an emergency `rm -r` of that folder is enough: without programs nobody is held
// any more.
#ifndef RACELESS_CONTROLLER_GATE_GATE_H
#define RACELESS_CONTROLLER_GATE_GATE_H

#include <string>
#include <vector>

#include "gate/gate_state.h"
#include "result.h"

namespace raceless {

class Gate {
 public:
  static constexpr const char* pin_dir = "/sys/fs/bpf/raceless/gate";

  // What this kernel lacks, why, and what follows; empty if all is there. Loads raceless.ko if
  // need be. Does nothing if the gate is on.
  [[nodiscard]] static Result<std::vector<std::string>> turn_on();

  // Returns when nobody is held any more and the programs are gone. Does nothing if it is off.
  [[nodiscard]] static Status turn_off();

  // Does raceless.ko hold calls, and are there programs to tell it which?
  [[nodiscard]] static bool is_on();

  // Those that are pinned; none if it is off.
  [[nodiscard]] static GatePrograms programs();
};

}  // namespace raceless

#endif
