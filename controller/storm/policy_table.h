// SPDX-License-Identifier: GPL-2.0
// Lifecycle policies side by side: what the same storm was like on each.
#ifndef RACELESS_CONTROLLER_STORM_POLICY_TABLE_H
#define RACELESS_CONTROLLER_STORM_POLICY_TABLE_H

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "histogram.h"
#include "storm/context.h"
#include "storm/parameters.h"
#include "storm/storm.h"

namespace raceless {

struct PolicyRow {
  std::string policy;
  uint64_t uses = 0;
  uint64_t failed = 0;      // of them, for whatever reason
  uint64_t lost_races = 0;  // of these, because the resource was going
  uint64_t revivals = 0;
  uint64_t unloads = 0;
  uint64_t refused = 0;  // unloads that were told EBUSY or EAGAIN
  Histogram unload_ns;   // from when it was first asked for, refusals included
  Histogram get_ns;      // successful gets
  uint64_t contended = 0;
  uint64_t contended_ns = 0;
  uint64_t nr_broken = 0;  // what the policy claims, and did not hold
};

[[nodiscard]] PolicyRow policy_row(const std::string& policy, const StormResult& result);

// The context in one line, and the table.
[[nodiscard]] std::string policy_text(const Context& context, const Parameters& parameters,
                                      const Crews& crews, const std::vector<PolicyRow>& rows);
[[nodiscard]] nlohmann::json policy_json(const Context& context, const Parameters& parameters,
                                         const std::vector<PolicyRow>& rows);

}  // namespace raceless

#endif
