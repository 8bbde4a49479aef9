// SPDX-License-Identifier: GPL-2.0
#include "leaks/leak_check.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

constexpr uint64_t kPatienceNs = 20 * kNsPerMs;

const HoldingKey kGone{Evidence::gone, "objects of kmalloc-64", "leak+0x1f [mine]"};
const HoldingKey kLive{Evidence::direct, "objects of kmalloc-64", "keep+0x1f [mine]"};
const HoldingKey kBelow{Evidence::indirect, "objects of kmalloc-32", "leak+0x1f [mine]"};
const HoldingKey kCache{Evidence::cache, "objects of kmalloc-64", ""};
const HoldingKey kPerCpu{Evidence::pages, "pages of per-CPU memory", ""};
const HoldingKey kList{Evidence::listed, "BPF maps", ""};

class LeakCheckTest : public testing::Test {
 protected:
  // One rest after 10 unloads each, at which the key's count is one of these; the first is before
  // the storm. The last one is the end if asked for.
  void storm(const HoldingKey& key, const std::vector<uint64_t>& counts, bool ends = false) {
    LeakCheck check(
        10, [this] { return now_; }, kPatienceNs);
    uint64_t unloads = 0;
    for (size_t i = 0; i < counts.size(); i++) {
      now_[key] = {counts[i], counts[i] * 64, ""};
      if (i == 0) {
        check.begin();
        continue;
      }
      unloads += 10;
      EXPECT_TRUE(check.due(unloads));
      if (ends && i + 1 == counts.size())
        check.end(unloads, findings_);
      else
        check.rest(unloads, findings_);
    }
    leaks_ = check.leaks();
  }
  std::string what() { return findings_.count() == 0 ? "" : findings_.list().back().what; }

  Holdings now_;
  Findings findings_;
  std::vector<Leak> leaks_;
};

TEST_F(LeakCheckTest, ThreeStepsOfGrowthAreALeakAndToldOnce) {
  storm(kLive, {5, 6, 7});
  EXPECT_EQ(what(), "");
  storm(kLive, {5, 6, 7, 8, 9, 10});
  EXPECT_EQ(findings_.count(), 1U);
  EXPECT_EQ(what(),
            "a leak: 3 more objects of kmalloc-64 (192 bytes), allocated by keep+0x1f [mine]; "
            "still growing after 30 unloads");
  ASSERT_EQ(leaks_.size(), 1U);
  EXPECT_EQ(leaks_[0].count, 3U);
}

TEST_F(LeakCheckTest, WhatStopsGrowingIsNone) {
  storm(kLive, {5, 6, 7, 7, 8, 9, 9}, true);
  storm(kList, {5, 6, 7, 5, 6, 7, 5}, true);
  EXPECT_EQ(what(), "");
}

TEST_F(LeakCheckTest, MemoryOfCodeThatIsGoneIsALeakAtTheEnd) {
  storm(kGone, {2, 2, 2}, true);
  EXPECT_EQ(what(), "") << "it was there before";
  storm(kGone, {2, 3}, true);
  EXPECT_EQ(what(),
            "a leak: 1 more objects of kmalloc-64 (64 bytes), allocated by leak+0x1f [mine]; the "
            "code that allocated it is unloaded");
}

TEST_F(LeakCheckTest, WhatIsFreedLateIsNoLeak) {
  int reads = 0;
  LeakCheck check(
      10,
      [&reads] {
        const uint64_t late = reads++ == 1 ? 50 : 0;
        return Holdings{{kGone, {late, late, ""}}};
      },
      kPatienceNs);
  check.begin();
  check.end(10, findings_);
  EXPECT_EQ(what(), "");
  EXPECT_GT(reads, 2);
}

TEST_F(LeakCheckTest, WhatNobodyIsNamedForMustGrowWithTheUnloads) {
  storm(kCache, {100, 104, 108, 112, 116}, true);
  storm(kBelow, {100, 104, 108, 112, 116}, true);
  EXPECT_EQ(what(), "");
  storm(kCache, {100, 105, 110, 115}, true);
  EXPECT_EQ(findings_.count(), 1U);
}

TEST_F(LeakCheckTest, AShortStormSeesPerCpuMemoryGoByThePage) {
  storm(kPerCpu, {100, 100, 119}, true);
  EXPECT_EQ(what(), "");
  storm(kPerCpu, {100, 120, 120}, true);
  EXPECT_NE(what().find("20 more pages of per-CPU memory (1280 bytes); in 20 unloads"),
            std::string::npos)
      << what();
}

TEST_F(LeakCheckTest, OneLeakIsNotToldTwice) {
  LeakCheck check(
      10, [this] { return now_; }, kPatienceNs);
  check.begin();
  for (uint64_t i = 1; i <= 3; i++) {
    now_ = {{kLive, {i * 10, 640, ""}}, {kBelow, {i * 10, 640, ""}}};
    check.rest(i * 10, findings_);
  }
  EXPECT_EQ(findings_.count(), 1U);
  EXPECT_NE(what().find("keep"), std::string::npos);
}

TEST_F(LeakCheckTest, OffReadsNothing) {
  LeakCheck check(
      0,
      []() -> Holdings {
        ADD_FAILURE();
        return {};
      },
      kPatienceNs);
  check.begin();
  EXPECT_FALSE(check.due(1000));
  check.end(1000, findings_);
}

}  // namespace
}  // namespace raceless
