// SPDX-License-Identifier: GPL-2.0
#include "soak/trend.h"

#include <gtest/gtest.h>

#include "plan.h"

namespace raceless {
namespace {

// Rounds of some kinds, a minute each: a level for each kind, noise of up to `noise` on each side,
// and `per_hour` more each hour.
std::vector<Measured> rounds(size_t number, size_t kinds, double noise, double per_hour,
                             uint64_t seed = 1) {
  Random random(seed);
  std::vector<Measured> measured;
  for (size_t round = 0; round < number; round++)
    for (size_t kind = 0; kind < kinds; kind++) {
      const double time_h = static_cast<double>(measured.size()) / 60;
      const double jitter = static_cast<double>(random.below(2001)) / 1000 - 1;
      measured.push_back(
          {time_h, 1000 + 500 * static_cast<double>(kind) + noise * jitter + per_hour * time_h,
           kind});
    }
  return measured;
}

TEST(Trend, FindsAPlantedLeak) {
  const Trend trend = trend_of(rounds(12, 4, 20, 100));
  EXPECT_TRUE(trend.grows());
  EXPECT_NEAR(trend.slope, 100, 20);
  EXPECT_LT(trend.low, 100);
  EXPECT_GT(trend.high, 100);
}

TEST(Trend, NoiseIsNone) {
  int alarms = 0;
  for (uint64_t seed = 1; seed <= 200; seed++)
    if (trend_of(rounds(12, 4, 20, 0, seed)).grows()) alarms++;
  // One of 200 is what 99 % on both sides promise on this one.
  EXPECT_LE(alarms, 4);
}

TEST(Trend, IsExactWithoutNoise) {
  const Trend trend = trend_of(rounds(7, 1, 0, 7));
  EXPECT_TRUE(trend.grows());
  EXPECT_NEAR(trend.slope, 7, 1e-6);
  EXPECT_NEAR(trend.low, 7, 1e-6);
}

TEST(Trend, WhatStaysDoesNotGrow) {
  const Trend trend = trend_of(rounds(12, 3, 0, 0));
  EXPECT_TRUE(trend.judged);
  EXPECT_FALSE(trend.grows());
  EXPECT_EQ(trend.slope, 0);
  EXPECT_EQ(trend.high, 0);
}

TEST(Trend, ShrinkingIsNoGrowth) {
  const Trend trend = trend_of(rounds(12, 3, 10, -200));
  EXPECT_TRUE(trend.judged);
  EXPECT_FALSE(trend.grows());
  EXPECT_LT(trend.high, 0);
}

TEST(Trend, OutliersDoNotMoveIt) {
  std::vector<Measured> measured = rounds(12, 3, 5, 0);
  measured.back().value += 1e6;
  measured[20].value += 1e6;
  const Trend trend = trend_of(measured);
  EXPECT_FALSE(trend.grows());
  EXPECT_NEAR(trend.slope, 0, 20);
}

TEST(Trend, OneStepIsNoGrowth) {
  std::vector<Measured> measured = rounds(12, 1, 0, 0);
  for (size_t i = 3; i < measured.size(); i++) measured[i].value += 1;
  EXPECT_FALSE(trend_of(measured).grows());
}

TEST(Trend, FewRoundsOfManyKindsShowGrowth) {
  EXPECT_TRUE(trend_of(rounds(3, 21, 0, 5)).grows());
  EXPECT_TRUE(trend_of(rounds(8, 21, 0, 5)).grows());
}

// As a soak has them: rounds of 21 targets, each fourth one of another kind.
std::vector<Measured> soaked(size_t begin, size_t end, double of_traced, double of_others) {
  std::vector<Measured> measured;
  double value = 0;
  for (size_t round = begin; round < end; round++)
    for (size_t target = 0; target < 21; target++) {
      const bool traced = round % 4 == 0;
      value += traced ? of_traced : of_others;
      measured.push_back(
          {static_cast<double>(measured.size()) / 60, value, target * 2 + (traced ? 1 : 0)});
    }
  return measured;
}

TEST(Trend, OneStepThatAllKindsSeeIsNoGrowth) {
  for (const size_t rounds : {5, 8, 12}) {
    const std::vector<Measured> flat = soaked(2, 2 + rounds, 0, 0);
    for (size_t at = 1; at < flat.size(); at++) {
      std::vector<Measured> measured = flat;
      for (size_t i = at; i < measured.size(); i++) measured[i].value += 1;
      EXPECT_FALSE(trend_of(measured).grows()) << rounds << " rounds, at " << at;
    }
  }
}

TEST(Trend, WhatOnlyTracedRoundsLeaveIsGrowth) {
  EXPECT_TRUE(trend_of(soaked(2, 10, 1, 0)).grows());
  EXPECT_TRUE(trend_of(soaked(2, 10, 0, 1)).grows());
  EXPECT_FALSE(trend_of(soaked(2, 10, 0, 0)).grows());
}

TEST(Trend, AHalfWithoutAPairSaysNothing) { EXPECT_TRUE(trend_of(soaked(1, 5, 1, 1)).grows()); }

TEST(Trend, KindsAreNotCompared) {
  // After the second kind there is always much more; it does not grow for all that.
  std::vector<Measured> measured = rounds(12, 2, 0, 0);
  measured.pop_back();
  EXPECT_EQ(trend_of(measured).slope, 0);
}

TEST(Trend, FewMomentsAreNotJudged) {
  EXPECT_FALSE(trend_of({}).judged);
  EXPECT_FALSE(trend_of(rounds(1, 9, 0, 5)).judged);
  EXPECT_FALSE(trend_of(rounds(3, 1, 0, 5)).judged);
  EXPECT_TRUE(trend_of(rounds(7, 1, 0, 5)).judged);
  EXPECT_TRUE(trend_of(rounds(3, 12, 0, 5)).judged);
}

}  // namespace
}  // namespace raceless
