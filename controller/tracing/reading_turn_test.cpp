// SPDX-License-Identifier: GPL-2.0
#include "reading_turn.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

TEST(ReadingTurn, EndsWhenItsTimeIsUpHoweverManyRecordsThereAre) {
  constexpr uint64_t start = 5;
  ReadingTurn turn(start);
  EXPECT_EQ(turn.after_record(start), 0);
  EXPECT_EQ(turn.after_record(start + ReadingTurn::kLongestNs - 1), 0);
  EXPECT_EQ(turn.after_record(start + ReadingTurn::kLongestNs), ReadingTurn::kEnd);
  EXPECT_EQ(turn.records(), 3);  // the last one, too, was handled
}

// Or a record would be handled twice, or ring_buffer__poll() go on.
TEST(ReadingTurn, ItsEndIsAnErrorToLibbpf) { EXPECT_LT(ReadingTurn::kEnd, 0); }

}  // namespace
}  // namespace raceless
