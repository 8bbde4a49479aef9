// SPDX-License-Identifier: GPL-2.0
#include "plan.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace raceless {
namespace {

constexpr Pacing kPacing{0, 20'000'000, 50};

std::vector<Op> draw(uint64_t seed, Role role, uint32_t index, Pacing pacing = kPacing) {
  OpStream stream = Plan(seed).stream(role, index, pacing, 1'000'000);
  std::vector<Op> ops(1000);
  for (Op& op : ops) op = stream.next();
  return ops;
}

TEST(Random, IsSplitmix64) {
  // The first outputs of the published algorithm for the state 0.
  Random random(0);
  EXPECT_EQ(random.next(), 0xe220a8397b1dcdafULL);
  EXPECT_EQ(random.next(), 0x6e789e6aa1b965f4ULL);
  EXPECT_EQ(random.next(), 0x06c45d188009454fULL);
}

TEST(Random, BetweenReachesBothEndsAndNothingElse) {
  Random random(7);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; i++) seen.insert(random.between(3, 6));
  EXPECT_EQ(seen, (std::set<uint64_t>{3, 4, 5, 6}));
}

TEST(Plan, TheSameSeedGivesTheSameSequence) {
  for (const Role role : kRoles) EXPECT_EQ(draw(42, role, 3), draw(42, role, 3));
}

TEST(Plan, SeedRoleAndIndexEachChangeTheSequence) {
  const std::vector<Op> base = draw(42, Role::consumer, 0);
  EXPECT_NE(base, draw(43, Role::consumer, 0));
  EXPECT_NE(base, draw(42, Role::unloader, 0));
  EXPECT_NE(base, draw(42, Role::consumer, 1));
}

TEST(Plan, TheSequenceIsTheSameOnEveryMachine) {
  const Op first = Plan(1).stream(Role::consumer, 0, kPacing, 1'000'000).next();
  const Op expected{0, 429383, 5, 45, 16277818424373174398ULL};
  EXPECT_EQ(first, expected) << first.pause_ns << ", " << first.hold_ns << ", " << first.calls
                             << ", " << first.percent << ", " << first.choice << "ULL";
}

TEST(PlanDigest, IsOfTheSameOperationsInTheSameOrder) {
  const auto stream = [](uint64_t seed) {
    return Plan(seed).stream(Role::loader, 0, kPacing, 1'000'000);
  };
  PlanDigest done;
  OpStream twin = stream(42);
  for (int i = 0; i < 100; i++) done.add(twin.next());
  EXPECT_EQ(done.operations(), 100U);
  EXPECT_EQ(stream(42).digest(100), done);
  EXPECT_NE(stream(42).digest(99), done);
  EXPECT_NE(stream(43).digest(100).value(), done.value());

  PlanDigest forwards;
  PlanDigest backwards;
  const Op first = stream(42).next();
  const Op second = stream(43).next();
  for (const Op& op : {first, second}) forwards.add(op);
  for (const Op& op : {second, first}) backwards.add(op);
  EXPECT_NE(forwards.value(), backwards.value());
  EXPECT_EQ(PlanDigest{}.value(), 0U);
}

TEST(Plan, PacingDoesNotChangeWhatIsDone) {
  const std::vector<Op> slow = draw(42, Role::consumer, 0, {5'000'000, 5'000'000, 0});
  const std::vector<Op> fast = draw(42, Role::consumer, 0, {0, 0, 100});
  for (size_t i = 0; i < slow.size(); i++) {
    EXPECT_EQ(slow[i].pause_ns, 5'000'000U);
    EXPECT_EQ(fast[i].pause_ns, 0U);
    EXPECT_EQ(slow[i].choice, fast[i].choice);
    EXPECT_EQ(slow[i].percent, fast[i].percent);
    EXPECT_EQ(slow[i].hold_ns, fast[i].hold_ns);
  }
}

TEST(Plan, OpsStayWithinTheirBounds) {
  bool tight = false;
  for (const Op& op : draw(9, Role::unloader, 0)) {
    EXPECT_LE(op.pause_ns, kPacing.max_ns);
    EXPECT_LE(op.hold_ns, 1'000'000U);
    EXPECT_GE(op.calls, 1U);
    EXPECT_LE(op.calls, 8U);
    EXPECT_LT(op.percent, 100U);
    tight |= op.pause_ns == 0;
  }
  EXPECT_TRUE(tight);
}

}  // namespace
}  // namespace raceless
