// SPDX-License-Identifier: GPL-2.0
// Histogram triggers of ftrace: the kernel counts the hits of a tracepoint, by a key.
//
// For events of the kernel itself only. On an event of a module, which takes the trigger along when
// it goes, the kernel warns that a probe is left (module/tests/raceless_ledger.c).
#ifndef RACELESS_CONTROLLER_AUDIT_HIST_TRIGGER_H
#define RACELESS_CONTROLLER_AUDIT_HIST_TRIGGER_H

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "result.h"

namespace raceless {

struct HistTrigger {
  std::map<std::string, std::uint64_t> hits;  // by the key's text
  std::uint64_t total = 0;                    // as the kernel adds them up
  std::uint64_t dropped = 0;                  // no room for another key

  // Of "module/module_load", by one string or number among its fields.
  [[nodiscard]] static Status arm(const std::string& event, const std::string& key);
  [[nodiscard]] static Result<HistTrigger> read(const std::string& event);
  [[nodiscard]] static Result<HistTrigger> parse(std::string_view text);

  [[nodiscard]] std::uint64_t of(const std::string& key) const;
};

}  // namespace raceless

#endif
