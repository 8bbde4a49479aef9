// SPDX-License-Identifier: GPL-2.0
#include "targets/exercise.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace raceless {
namespace {

// A codec that copies; `spoil` changes one byte on the way back.
ProviderCall copier(bool spoil) {
  return [spoil](uint32_t op, std::span<const std::byte> in,
                 std::span<std::byte> out) -> Result<Called> {
    std::copy(in.begin(), in.end(), out.begin());
    if (spoil && op == RACELESS_CODEC_OP_DECOMPRESS) out[in.size() / 2] ^= std::byte{1};
    return Called{static_cast<uint32_t>(in.size()), {}};
  };
}

TEST(RoundTripExercise, ComparesByteForByte) {
  const auto exercise = RoundTripExercise::create({"/proc/self/exe"});
  ASSERT_TRUE(exercise);
  for (uint64_t choice = 0; choice < 100; choice++) {
    EXPECT_TRUE((*exercise)->run(copier(false), choice));
    const Status spoiled = (*exercise)->run(copier(true), choice);
    ASSERT_FALSE(spoiled);
    EXPECT_EQ(spoiled.error().code, EBADMSG);
  }
}

TEST(RoundTripExercise, NeedsAFile) { EXPECT_FALSE(RoundTripExercise::create({"/nonexistent"})); }

TEST(RoundTripExercise, AFailedCallIsTheCallsError) {
  const auto exercise = RoundTripExercise::create({"/proc/self/exe"});
  ASSERT_TRUE(exercise);
  const ProviderCall fails = [](auto...) -> Result<Called> { return fail(EIO, "no"); };
  const Status status = (*exercise)->run(fails, 1);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, EIO);
}

}  // namespace
}  // namespace raceless
