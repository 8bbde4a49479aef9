// SPDX-License-Identifier: GPL-2.0
#include "storm/gate_effect.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

GateState with_restarts(int restarts) {
  Result<GateState> state = GateState::parse("# total on 1\n# total hold_ms 10\n# total restarts " +
                                             std::to_string(restarts) + "\n# name restarts\n");
  EXPECT_TRUE(state);
  return *state;
}

TEST(GateEffect, CountsWhatCameDuringTheStorm) {
  StormResult result;
  GateEffect::since(with_restarts(5), {.count = 37, .skipped = 1})
      .compare(with_restarts(12), true, result, {.count = 37, .skipped = 3});
  EXPECT_EQ(result.extra_counters,
            (std::map<std::string, uint64_t>{{"gate_let_through_skipped_programs", 2},
                                             {"gate_restarts", 7}}));
  EXPECT_EQ(result.target_lines, "gate: let_through_skipped_programs 2, restarts 7\n");
  EXPECT_TRUE(result.passed());
}

TEST(GateEffect, FailedUseBreaksThePromiseOnlyWhereThereIsOne) {
  StormResult result;
  result.tally.add(Count::uses);
  result.tally.add(Count::user_failures);
  const GateEffect effect = GateEffect::since(with_restarts(0));
  effect.compare(with_restarts(0), false, result);
  EXPECT_TRUE(result.passed());
  effect.compare(with_restarts(0), true, result);
  EXPECT_FALSE(result.passed());
}

TEST(GateEffect, StarvingAnUnloadBreaksThePromise) {
  const GateEffect effect = GateEffect::since(with_restarts(0));
  StormResult result;
  result.crews[static_cast<size_t>(Role::unloader)].threads = 1;
  result.elapsed_ns = 10 * kNsPerSecond;
  effect.compare(with_restarts(0), true, result);
  EXPECT_TRUE(result.passed()) << "nobody has tried";
  result.tally.add(Count::unload_failures);
  result.elapsed_ns = 9 * kNsPerSecond;
  effect.compare(with_restarts(0), true, result);
  EXPECT_TRUE(result.passed()) << "too short to tell";
  result.elapsed_ns = 10 * kNsPerSecond;
  effect.compare(with_restarts(0), false, result);
  EXPECT_TRUE(result.passed());
  effect.compare(with_restarts(0), true, result);
  EXPECT_EQ(result.nr_findings, 1U);
  result.tally.add(Count::unloads);
  effect.compare(with_restarts(0), true, result);
  EXPECT_EQ(result.nr_findings, 1U);
}

TEST(GateEffect, RestartsAreThoseOfTheStorm) {
  const std::string head = "# total on 1\n# histogram restarts_per_call count=";
  const Result<GateState> before = GateState::parse(head + "2 sum=14 max=7 7:2\n# name x\n");
  const Result<GateState> after = GateState::parse(head + "5 sum=17 max=7 1:3 7:2\n# name x\n");
  ASSERT_TRUE(before && after);
  StormResult result;
  GateEffect::since(*before).compare(*after, true, result);
  EXPECT_EQ(result.extra_counters["gate_restarts_per_call_p99"], 1U);
}

TEST(GateEffect, LongestTimeWithoutAnUnload) {
  std::vector<Sample> series(5);
  const std::vector<std::pair<uint64_t, uint64_t>> unloads = {
      {0, 0}, {3, 0}, {4, 1}, {9, 1}, {10, 2}};
  for (size_t i = 0; i < series.size(); i++) {
    series[i].time_ns = unloads[i].first;
    series[i].counts[static_cast<size_t>(Count::unloads)] = unloads[i].second;
  }
  EXPECT_EQ(longest_without_unload(series), 6U);
  EXPECT_EQ(longest_without_unload({}), 0U);
}

TEST(GateEffect, ComparisonHasARowForEach) {
  StormResult off;
  StormResult on;
  off.elapsed_ns = on.elapsed_ns = 1'000'000'000;
  off.tally.add(Count::uses);
  off.tally.add(Count::user_failures);
  on.tally.add(Count::uses);
  const std::string text = gate_comparison(off, on);
  EXPECT_NE(text.find("off   1     1       100.0 %"), std::string::npos) << text;
  EXPECT_NE(text.find("on    1     0       0.0 %"), std::string::npos) << text;
}

}  // namespace
}  // namespace raceless
