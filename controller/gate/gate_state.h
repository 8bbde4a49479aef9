// SPDX-License-Identifier: GPL-2.0
// /proc/raceless_gate: what the gate did, for people and for programs.
#ifndef RACELESS_CONTROLLER_GATE_GATE_STATE_H
#define RACELESS_CONTROLLER_GATE_GATE_STATE_H

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "result.h"
#include "state_file.h"

namespace raceless {

// The gate's BPF programs.
struct GatePrograms {
  size_t count = 0;
  // How often the kernel skipped one, since they were loaded: it does so where a task is to run a
  // program that another one, preempted, is in the middle of on the same CPU.
  uint64_t skipped = 0;
};

class GateState {
 public:
  // ENOENT if raceless.ko is not loaded.
  [[nodiscard]] static Result<GateState> read(const std::string& root = "");
  [[nodiscard]] static Result<GateState> parse(std::string_view text);

  [[nodiscard]] bool on() const { return total("on") != 0; }
  [[nodiscard]] uint64_t total(const std::string& key) const;
  [[nodiscard]] const std::map<std::string, uint64_t>& totals() const { return file_.totals(); }
  [[nodiscard]] const std::map<std::string, raceless_hist>& histograms() const {
    return file_.histograms();
  }

  [[nodiscard]] std::string text(const GatePrograms& programs) const;
  [[nodiscard]] nlohmann::json json(const GatePrograms& programs) const;

 private:
  explicit GateState(StateFile file) : file_(std::move(file)) {}

  // What is counted, by what it is counted for: {"mount": {"restarts": 3}}, zeros left out.
  using Table = std::map<std::string, std::map<std::string, uint64_t>>;
  [[nodiscard]] Table by_syscall() const;
  [[nodiscard]] Table by_module() const;

  StateFile file_;
};

}  // namespace raceless

#endif
