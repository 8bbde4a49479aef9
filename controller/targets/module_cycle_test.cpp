// SPDX-License-Identifier: GPL-2.0
#include "targets/module_cycle.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

Counts counts(uint64_t loads, uint64_t unloads) {
  Tally tally;
  for (uint64_t i = 0; i < loads; i++) tally.add(Count::loads);
  for (uint64_t i = 0; i < unloads; i++) tally.add(Count::unloads);
  return tally.counts();
}

TEST(ModuleCycle, LoadsByRequestAreThoseThatNobodyElseMade) {
  EXPECT_EQ(loads_by_request(counts(0, 0), false, false), 0U);
  EXPECT_EQ(loads_by_request(counts(0, 5), false, false), 5U);
  EXPECT_EQ(loads_by_request(counts(0, 5), false, true), 6U);
  EXPECT_EQ(loads_by_request(counts(0, 5), true, false), 4U);
  EXPECT_EQ(loads_by_request(counts(3, 5), false, false), 2U);
  EXPECT_EQ(loads_by_request(counts(9, 5), false, false), 0U);
}

}  // namespace
}  // namespace raceless
