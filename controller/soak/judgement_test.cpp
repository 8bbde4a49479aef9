// SPDX-License-Identifier: GPL-2.0
#include "soak/judgement.h"

#include <gtest/gtest.h>

#include <set>

namespace raceless {
namespace {

size_t index_of(std::string_view name) {
  for (size_t i = 0; i < kQuantities.size(); i++)
    if (kQuantities[i].name == name) return i;
  ADD_FAILURE() << "no quantity " << name;
  return 0;
}

// Two targets, a turn each minute, after which everything is as before but for some noise.
SoakRecord calm(uint64_t rounds) {
  SoakRecord record;
  record.targets = {{.name = "null", .turns = rounds, .lifecycles = rounds * 50},
                    {.name = "codec", .turns = rounds, .lifecycles = rounds * 50}};
  Random random(1);
  for (uint64_t round = 0; round < rounds; round++)
    for (size_t target = 0; target < 2; target++) {
      Moment moment{.time_ns = record.moments.size() * 60 * kNsPerSecond,
                    .round = round,
                    .target = target,
                    .lifecycles = (record.moments.size() + 1) * 50};
      for (size_t i = 0; i < kQuantities.size(); i++)
        moment.reading.values[i] = kQuantities[i].unit == Unit::bytes
                                       ? 20 * kMiB + static_cast<double>(random.below(64 * 1024))
                                       : 7;
      moment.reading.caches = {{"objects of kmalloc-64", 3000 + static_cast<double>(target) * 900 +
                                                             static_cast<double>(random.below(60))},
                               {"objects of task_struct", 90}};
      record.moments.push_back(moment);
    }
  return record;
}

const QuantityTrend& row(const Judgement& judgement, std::string_view name) {
  return judgement.quantities.at(index_of(name));
}

TEST(Judgement, CalmPasses) {
  const SoakRecord record = calm(12);
  const Judgement judgement = judge(record);
  EXPECT_TRUE(judgement.judged);
  EXPECT_FALSE(judgement.grows());
  EXPECT_TRUE(judgement.caches.empty());
  EXPECT_TRUE(passed(record, judgement));
  EXPECT_EQ(judgement.warm_up_rounds, 2U);
  EXPECT_EQ(judgement.moments, 20U);
  EXPECT_EQ(judgement.lifecycles, 19U * 50);
  EXPECT_EQ(row(judgement, "slots").movement, Movement::flat);
  EXPECT_EQ(row(judgement, "slots").trend.slope, 0);
}

TEST(Judgement, ATargetOfWhichNothingWasUnloadedDoesNotPass) {
  SoakRecord record = calm(12);
  record.targets.push_back({.name = "romfs", .not_run = "this kernel has none"});
  EXPECT_TRUE(passed(record, judge(record)));
  record.targets.push_back({.name = "chaos", .turns = 12});
  EXPECT_FALSE(passed(record, judge(record)));
}

TEST(Judgement, ALeakOfOneObjectInFourLifecyclesIsFoundInItsCache) {
  SoakRecord record = calm(40);
  for (Moment& moment : record.moments)
    moment.reading.caches["objects of kmalloc-64"] += static_cast<double>(moment.lifecycles) / 4;
  const Judgement judgement = judge(record);
  ASSERT_EQ(judgement.caches.size(), 1U);
  EXPECT_EQ(judgement.caches[0].name, "objects of kmalloc-64");
  EXPECT_NEAR(judgement.caches[0].growth, static_cast<double>(judgement.lifecycles) / 4, 60);
  EXPECT_FALSE(passed(record, judgement));
}

TEST(Judgement, TheTargetThatLeaksIsNamed) {
  SoakRecord record = calm(12);
  double leaked = 0;
  for (Moment& moment : record.moments) {
    if (moment.target == 1) leaked += 300 * kKiB;
    moment.reading.values[index_of("vmalloc")] += leaked;
  }
  const Judgement judgement = judge(record);
  EXPECT_EQ(row(judgement, "vmalloc").movement, Movement::grows);
  EXPECT_EQ(row(judgement, "vmalloc").most_in, "codec");
  EXPECT_EQ(row(judgement, "slab").movement, Movement::flat);
}

TEST(Judgement, FreeMemoryMustNotFall) {
  SoakRecord falling = calm(12);
  SoakRecord rising = calm(12);
  for (size_t i = 0; i < falling.moments.size(); i++) {
    falling.moments[i].reading.values[index_of("free memory")] -= static_cast<double>(i) * kMiB;
    rising.moments[i].reading.values[index_of("free memory")] += static_cast<double>(i) * kMiB;
  }
  EXPECT_EQ(row(judge(falling), "free memory").movement, Movement::grows);
  EXPECT_EQ(row(judge(rising), "free memory").movement, Movement::flat);
}

TEST(Judgement, SureGrowthWithinTheBoundIsSaidAndPasses) {
  SoakRecord record = calm(12);
  for (size_t i = 0; i < record.moments.size(); i++)
    record.moments[i].reading.values[index_of("slab")] += static_cast<double>(i) * 30 * kKiB;
  const Judgement judgement = judge(record);
  EXPECT_EQ(row(judgement, "slab").movement, Movement::bounded);
  EXPECT_TRUE(passed(record, judgement));
}

TEST(Judgement, WhatGrowsInTheWarmUpDoesNotCount) {
  SoakRecord record = calm(12);
  for (Moment& moment : record.moments)
    if (moment.round >= 1) moment.reading.values[index_of("slots")] += 8;
  EXPECT_TRUE(passed(record, judge(record)));
}

TEST(Judgement, OneSlotATurnIsALeak) {
  SoakRecord record = calm(7);
  for (size_t i = 0; i < record.moments.size(); i++)
    record.moments[i].reading.values[index_of("slots")] += static_cast<double>(i);
  EXPECT_EQ(row(judge(record), "slots").movement, Movement::grows);
}

TEST(Judgement, NothingIsNoPass) {
  EXPECT_FALSE(passed({}, judge({})));
  const SoakRecord few = calm(2);
  EXPECT_EQ(row(judge(few), "slab").movement, Movement::unjudged);
  EXPECT_FALSE(passed(few, judge(few)));
}

TEST(Judgement, AFailedStormFailsIt) {
  SoakRecord record = calm(12);
  record.failed.push_back({"null", 3, 4711, 1, "the kernel complained"});
  EXPECT_FALSE(passed(record, judge(record)));
  SoakRecord stuck = calm(12);
  stuck.stuck = true;
  EXPECT_FALSE(passed(stuck, judge(stuck)));
}

TEST(Turns, AreADozenOfEachTarget) {
  SoakParameters parameters;
  parameters.targets.assign(20, "null");
  EXPECT_EQ(turn_length(parameters), 15 * kNsPerSecond);
  parameters.duration_ns = 60 * kNsPerSecond;
  EXPECT_EQ(turn_length(parameters), 2 * kNsPerSecond);
  parameters.duration_ns = 24 * 3600 * kNsPerSecond;
  EXPECT_EQ(turn_length(parameters), 60 * kNsPerSecond);
  parameters.turn_ns = 5 * kNsPerSecond;
  EXPECT_EQ(turn_length(parameters), 5 * kNsPerSecond);
}

TEST(Turns, HaveSeedsOfTheirOwn) {
  std::set<uint64_t> seeds;
  for (uint64_t round = 0; round < 50; round++)
    for (size_t target = 0; target < 20; target++) seeds.insert(turn_seed(1, round, target));
  EXPECT_EQ(seeds.size(), 1000U);
  EXPECT_EQ(turn_seed(1, 3, 4), turn_seed(1, 3, 4));
  EXPECT_NE(turn_seed(1, 3, 4), turn_seed(2, 3, 4));
}

}  // namespace
}  // namespace raceless
