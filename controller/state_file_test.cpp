// SPDX-License-Identifier: GPL-2.0
#include "state_file.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

constexpr const char* kText =
    "# name state instance owner refs waiters held publishes\n"
    "codec live 17 raceless_sample_codec 3 0 - 9\n"
    "null gone - - 0 4 1 2\n"
    "# total transitions_live 11\n"
    "# total get_fail flight 5\n";

TEST(StateFile, ReadsColumnsByName) {
  const Result<StateFile> file = StateFile::parse(kText);
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_EQ(file->slots().size(), 2U);
  const SlotState* codec = file->find("codec");
  ASSERT_NE(codec, nullptr);
  EXPECT_EQ(codec->text("state"), "live");
  EXPECT_EQ(codec->text("owner"), "raceless_sample_codec");
  EXPECT_EQ(codec->number("refs"), 3U);
  EXPECT_EQ(codec->number("publishes"), 9U);
  EXPECT_EQ(codec->number("held"), 0U);
  EXPECT_EQ(codec->number("no_such_column"), 0U);
  EXPECT_EQ(file->find("nobody"), nullptr);
  EXPECT_TRUE(file->has_column("waiters"));
  EXPECT_FALSE(file->has_column("no_such_column"));
}

TEST(StateFile, AColumnMayMove) {
  const Result<StateFile> file = StateFile::parse("# name waiters state\nnull 4 gone\n");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->find("null")->number("waiters"), 4U);
}

TEST(StateFile, ReadsTotalsByKey) {
  const Result<StateFile> file = StateFile::parse(kText);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->total("transitions_live"), 11U);
  EXPECT_EQ(file->total("get_fail flight"), 5U);
  EXPECT_EQ(file->total("nothing"), std::nullopt);
}

TEST(StateFile, ReadsHistogramsByName) {
  const Result<StateFile> file = StateFile::parse(
      "# histogram wait_ns count=3 sum=2070 max=1040 7:1 1024:2\n"
      "# histogram stop_ns count=0 sum=0 max=0\n# name state\n");
  ASSERT_TRUE(file) << file.error().message();
  const raceless_hist& wait = file->histograms().at("wait_ns");
  EXPECT_EQ(wait.count, 3U);
  EXPECT_EQ(wait.sum, 2070U);
  EXPECT_EQ(wait.max, 1040U);
  EXPECT_EQ(wait.buckets[7], 1U);
  EXPECT_EQ(wait.buckets[raceless_hist_bucket(1024)], 2U);
  EXPECT_EQ(file->histograms().at("stop_ns").count, 0U);
  EXPECT_FALSE(StateFile::parse("# histogram wait_ns count=3 sum=x max=1\n# name state\n"));
  EXPECT_FALSE(StateFile::parse("# histogram wait_ns count=3\n# name state\n"));
}

TEST(StateFile, RejectsALineThatDoesNotFitTheColumns) {
  EXPECT_FALSE(StateFile::parse("# name state\ncodec live 17\n"));
  EXPECT_FALSE(StateFile::parse("codec live\n"));
  EXPECT_FALSE(StateFile::parse(""));
}

TEST(StateFile, AMissingFileSaysSo) {
  const Result<StateFile> file = StateFile::read("/nonexistent");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ENOENT);
}

}  // namespace
}  // namespace raceless
