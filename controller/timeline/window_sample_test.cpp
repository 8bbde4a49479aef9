// SPDX-License-Identifier: GPL-2.0
#include "timeline/window_sample.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace raceless {
namespace {

// Item i is of window i / `per_window`.
WindowSample<uint64_t> filled(size_t most, uint64_t items, uint64_t per_window) {
  WindowSample<uint64_t> sample(most);
  for (uint64_t i = 0; i < items; i++) sample.add(i / per_window * kWindowNs + i % per_window, i);
  return sample;
}

TEST(WindowSample, KeepsEverythingWhileThereIsRoom) {
  const auto sample = filled(100, 100, 10);
  EXPECT_EQ(sample.sampling(), (Sampling{100, 100, 1}));
  EXPECT_EQ(sample.items().size(), 100U);
}

TEST(WindowSample, KeepsWholeWindowsOfTheWholeTime) {
  const auto sample = filled(100, 10'000, 10);
  const Sampling sampling = sample.sampling();
  EXPECT_EQ(sampling.seen, 10'000U);
  EXPECT_LE(sampling.kept, 100U);
  EXPECT_GT(sampling.kept, 40U);
  EXPECT_EQ(sampling.stride, 128U);
  std::vector<uint64_t> wanted;
  for (uint64_t i = 0; i < 10'000; i++)
    if (i / 10 % sampling.stride == 0) wanted.push_back(i);
  EXPECT_EQ(sample.items(), wanted);
}

TEST(WindowSample, OneWindowThatIsTooMuchIsCutShort) {
  const auto sample = filled(100, 1000, 1000);
  EXPECT_EQ(sample.sampling(), (Sampling{1000, 100, 1}));
  EXPECT_EQ(sample.items().back(), 99U);
}

TEST(WindowSample, IsNeverLargerThanItMayBe) {
  for (const uint64_t per_window : {1, 3, 50, 99, 100, 101, 500})
    EXPECT_LE(filled(100, 20'000, per_window).items().size(), 100U) << per_window;
}

// Two records of one time can be laid over each other.
TEST(WindowSample, TheWindowsOfALargerStrideAreAmongThoseOfASmaller) {
  const auto few = filled(100, 10'000, 10).items();
  const auto more = filled(1000, 10'000, 10).items();
  for (const uint64_t item : few) EXPECT_TRUE(std::ranges::binary_search(more, item)) << item;
}

}  // namespace
}  // namespace raceless
