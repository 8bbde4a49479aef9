// SPDX-License-Identifier: GPL-2.0
#include "storm/policy_table.h"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "clock.h"

namespace raceless {
namespace {

std::unique_ptr<StormResult> storm() {
  auto made = std::make_unique<StormResult>();
  StormResult& result = *made;
  for (int i = 0; i < 9; i++) result.tally.add(Count::uses);
  for (int i = 0; i < 3; i++) result.tally.add(Count::user_failures);
  result.tally.add(Count::unloads);
  result.tally.add(Breakdown::unloads_by_outcome, "unload ok");
  result.tally.add(Breakdown::unloads_by_outcome, "unload EBUSY", 5);
  result.tally.add(Breakdown::unloads_by_outcome, "unload EAGAIN", 2);
  result.tally.add(Breakdown::unloads_by_outcome, "unload ENOENT", 70);
  result.tally.record(Latency::unload, 3 * kNsPerMs);
  result.extra_counters = {{"policy_revivals", 4}, {"policy_lost_races", 3}};
  result.nr_findings = 1;
  return made;
}

TEST(PolicyTable, ARowHasWhatTheStormCounted) {
  const PolicyRow row = policy_row("four-point", *storm());
  EXPECT_EQ(row.policy, "four-point");
  EXPECT_EQ(row.uses, 9U);
  EXPECT_EQ(row.failed, 3U);
  EXPECT_EQ(row.lost_races, 3U);
  EXPECT_EQ(row.revivals, 4U);
  EXPECT_EQ(row.unloads, 1U);
  EXPECT_EQ(row.refused, 7U) << "absent is no refusal";
  EXPECT_EQ(row.unload_ns.max(), 3 * kNsPerMs);
  EXPECT_EQ(row.nr_broken, 1U);
}

TEST(PolicyTable, IsOneLineForEachPolicyAfterItsContext) {
  const Context context{"6.12.1", "tcg", "abc1234", 4, "2026-01-01T00:00:00Z"};
  Parameters parameters;
  parameters.seed = 77;
  const std::vector<PolicyRow> rows = {policy_row("legacy", *storm()),
                                       policy_row("four-point", *storm())};
  const std::string text = policy_text(context, parameters, {}, rows);
  for (const char* part :
       {"6.12.1", "tcg", "4 vCPUs", "abc1234", "seed 77", "\nlegacy ", "\nfour-point ", "3.00 ms"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  const nlohmann::json json = policy_json(context, parameters, rows);
  EXPECT_EQ(json["context"]["seed"], 77);
  EXPECT_EQ(json["policies"][1]["policy"], "four-point");
  EXPECT_EQ(json["policies"][1]["refused"], 7);
}

}  // namespace
}  // namespace raceless
