// SPDX-License-Identifier: GPL-2.0
#include "targets/replace_log.h"

#include <gtest/gtest.h>

#include <numeric>

namespace raceless {
namespace {

TEST(ReplaceLog, TheLongestWaitCounts) {
  ReplaceLog log;
  log.waited(2, 300);
  log.replaced(2, 1000);
  log.waited(2, 1100);
  log.waited(2, 200);
  EXPECT_EQ(log.permille(), std::vector<uint64_t>{1100});
}

TEST(ReplaceLog, WaitsOfOtherPublishesAreLeftOut) {
  ReplaceLog log;
  log.waited(1, 5000);
  log.replaced(2, 1000);
  log.waited(3, 500);
  log.replaced(3, 1000);
  EXPECT_EQ(log.permille(), (std::vector<uint64_t>{0, 500}));
}

TEST(Percentile, IsAValueThatWasThere) {
  EXPECT_EQ(percentile({}, 99), 0U);
  EXPECT_EQ(percentile({7}, 50), 7U);
  std::vector<uint64_t> values(200);
  std::iota(values.begin(), values.end(), 1);
  EXPECT_EQ(percentile(values, 50), 100U);
  EXPECT_EQ(percentile(values, 99), 198U);
  EXPECT_EQ(percentile(values, 100), 200U);
}

}  // namespace
}  // namespace raceless
