// SPDX-License-Identifier: GPL-2.0
// The shared bucket layout, held against a table made another way: by walking up from 0.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "../histogram.h"

namespace raceless {
namespace {

// Lower bounds by definition: 8 buckets of width 1, then 8 equal ones for each power of two.
std::vector<std::uint64_t> reference_bounds() {
  std::vector<std::uint64_t> bounds;
  for (std::uint64_t value = 0; value < 8; value++) bounds.push_back(value);
  for (std::uint64_t power = 8; power < (1ULL << 42); power *= 2) {
    for (std::uint64_t eighth = 0; eighth < 8; eighth++)
      bounds.push_back(power + eighth * power / 8);
  }
  bounds.push_back(1ULL << 42);
  return bounds;
}

TEST(BucketLayout, EveryBorderIsTheReferences) {
  const auto bounds = reference_bounds();
  ASSERT_EQ(bounds.size(), RACELESS_HIST_BUCKETS);
  for (std::uint32_t bucket = 0; bucket < bounds.size(); bucket++) {
    EXPECT_EQ(raceless_hist_lower(bucket), bounds[bucket]);
    EXPECT_EQ(raceless_hist_bucket(bounds[bucket]), bucket);
    if (bucket > 0) {
      EXPECT_EQ(raceless_hist_bucket(bounds[bucket] - 1), bucket - 1);
    }
  }
}

TEST(BucketLayout, WhatIsTooLargeIsInTheLastBucket) {
  EXPECT_EQ(raceless_hist_bucket((1ULL << 42) - 1), RACELESS_HIST_BUCKETS - 2);
  EXPECT_EQ(raceless_hist_bucket(1ULL << 63), RACELESS_HIST_BUCKETS - 1);
  EXPECT_EQ(raceless_hist_bucket(UINT64_MAX), RACELESS_HIST_BUCKETS - 1);
}

TEST(BucketLayout, LogarithmIsTheIndexOfTheHighestBit) {
  for (std::uint32_t bit = 0; bit < 64; bit++) {
    const std::uint64_t power = 1ULL << bit;
    EXPECT_EQ(raceless_hist_log2(power), bit);
    EXPECT_EQ(raceless_hist_log2(power | (power - 1)), bit);
  }
}

}  // namespace
}  // namespace raceless
