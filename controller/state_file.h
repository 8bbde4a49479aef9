// SPDX-License-Identifier: GPL-2.0
// /proc/raceless: one line per slot, and the registry's totals and histograms.
//
// Columns are named by the first comment line and read by name, totals by key: the module may add
// and move both.
#ifndef RACELESS_CONTROLLER_STATE_FILE_H
#define RACELESS_CONTROLLER_STATE_FILE_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "histogram.h"
#include "result.h"
#include "uapi/raceless.h"

namespace raceless {

class SlotState {
 public:
  explicit SlotState(std::map<std::string, std::string> columns) : columns_(std::move(columns)) {}

  // "" if there is no such column or it is empty ("-").
  [[nodiscard]] std::string text(const std::string& column) const;
  // 0 if there is no such column, or it is no number.
  [[nodiscard]] uint64_t number(const std::string& column) const;

 private:
  std::map<std::string, std::string> columns_;
};

class StateFile {
 public:
  [[nodiscard]] static Result<StateFile> read(const std::string& root = "");
  // `path` is what an error calls it.
  [[nodiscard]] static Result<StateFile> parse(std::string_view text,
                                               const std::string& path = RACELESS_STATE_FILE);

  [[nodiscard]] bool has_column(const std::string& column) const;
  [[nodiscard]] const std::vector<SlotState>& slots() const { return slots_; }
  [[nodiscard]] const SlotState* find(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, uint64_t>& totals() const { return totals_; }
  [[nodiscard]] std::optional<uint64_t> total(const std::string& key) const;
  // "wait_ns"…
  [[nodiscard]] const std::map<std::string, raceless_hist>& histograms() const {
    return histograms_;
  }

 private:
  std::vector<std::string> columns_;
  std::vector<SlotState> slots_;
  std::map<std::string, uint64_t> totals_;
  std::map<std::string, raceless_hist> histograms_;
};

}  // namespace raceless

#endif
