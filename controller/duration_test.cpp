// SPDX-License-Identifier: GPL-2.0
#include "duration.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

TEST(Duration, ParsesUnits) {
  EXPECT_EQ(*parse_duration("30s"), 30'000'000'000U);
  EXPECT_EQ(*parse_duration("250ms"), 250'000'000U);
  EXPECT_EQ(*parse_duration("2m"), 120'000'000'000U);
  EXPECT_EQ(*parse_duration("1h"), 3'600'000'000'000U);
  EXPECT_EQ(*parse_duration("7us"), 7'000U);
  EXPECT_EQ(*parse_duration("5ns"), 5U);
  EXPECT_EQ(*parse_duration("0"), 0U);
  EXPECT_EQ(*parse_duration("12"), 12'000'000'000U);
}

TEST(Duration, RejectsTheRest) {
  for (const char* text : {"", "s", "-1s", "1.5s", "10 s", "3days", "99999999999999999999s",
                           "18446744073709551615h", "18446744073s"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, FormatsThreeDigits) {
  EXPECT_EQ(format_duration(0), "0 ns");
  EXPECT_EQ(format_duration(999), "999 ns");
  EXPECT_EQ(format_duration(1'500), "1.50 us");
  EXPECT_EQ(format_duration(23'400), "23.4 us");
  EXPECT_EQ(format_duration(123'000'000), "123 ms");
  EXPECT_EQ(format_duration(30'000'000'000), "30.0 s");
}

}  // namespace
}  // namespace raceless
