// SPDX-License-Identifier: GPL-2.0
#include "histogram.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace raceless {
namespace {

TEST(Histogram, EveryBucketHoldsItsLowerBoundAndEndsBeforeTheNext) {
  for (uint32_t bucket = 0; bucket + 1 < RACELESS_HIST_BUCKETS; bucket++) {
    const uint64_t lower = raceless_hist_lower(bucket);
    const uint64_t next = raceless_hist_lower(bucket + 1);
    ASSERT_LT(lower, next);
    EXPECT_EQ(raceless_hist_bucket(lower), bucket);
    EXPECT_EQ(raceless_hist_bucket(next - 1), bucket);
  }
  EXPECT_EQ(raceless_hist_bucket(UINT64_MAX), RACELESS_HIST_BUCKETS - 1);
}

TEST(Histogram, EmptyHasNoQuantiles) {
  const Histogram empty;
  EXPECT_EQ(empty.quantile(0.5), 0U);
  EXPECT_EQ(empty.quantile(1.0), 0U);
  EXPECT_TRUE(empty.to_json()["buckets"].empty());
}

TEST(Histogram, QuantilesErrUpwardsByAtMostAnEighth) {
  Histogram histogram;
  for (uint64_t value = 1; value <= 100000; value++) histogram.record(value);
  for (const double q : {0.01, 0.5, 0.9, 0.99}) {
    const double exact = q * 100000;
    const double read = static_cast<double>(histogram.quantile(q));
    EXPECT_GE(read, exact);
    EXPECT_LE(read, exact * 1.125 + 1);
  }
  EXPECT_EQ(histogram.quantile(1.0), 100000U);
  EXPECT_EQ(histogram.max(), 100000U);
  EXPECT_EQ(histogram.sum(), 100000ULL * 100001 / 2);
}

TEST(Histogram, AHugeValueIsKeptExactlyAsMaximum) {
  Histogram histogram;
  histogram.record(1ULL << 50);
  EXPECT_EQ(histogram.quantile(0.5), 1ULL << 50);
}

TEST(Histogram, MergeIsTheSameAsRecordingBoth) {
  Histogram left;
  Histogram right;
  Histogram both;
  for (uint64_t value = 1; value < 1000000; value = value * 3 + 1) {
    (value % 2 ? left : right).record(value);
    both.record(value);
  }
  left.merge(right);
  EXPECT_EQ(left.to_json(), both.to_json());
}

TEST(Histogram, JsonListsOnlyFilledBucketsAndTheirCountsAddUp) {
  Histogram histogram;
  histogram.record(5);
  histogram.record(5);
  histogram.record(1000);
  const nlohmann::json json = histogram.to_json();
  EXPECT_EQ(json["count"], 3);
  ASSERT_EQ(json["buckets"].size(), 2U);
  EXPECT_EQ(json["buckets"][0], nlohmann::json::array({5, 2}));
  EXPECT_EQ(json["buckets"][1], nlohmann::json::array({960, 1}));
}

}  // namespace
}  // namespace raceless
