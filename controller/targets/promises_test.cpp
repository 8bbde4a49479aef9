// SPDX-License-Identifier: GPL-2.0
#include "targets/promises.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

constexpr uint64_t kMs = 1'000'000;

TEST(Promises, AGetThatFindsTheProviderThereIsFine) {
  const Grant grant{.instance = 9, .publish = 4, .joined = 4, .waited_ns = 0};
  EXPECT_FALSE(waited(grant));
  EXPECT_TRUE(check_grant(grant, 8).empty());
}

TEST(Promises, AWaitingGetMustGetTheFirstPublish) {
  const Grant first{.instance = 9, .publish = 5, .joined = 4, .waited_ns = kMs};
  EXPECT_TRUE(waited(first));
  EXPECT_TRUE(check_grant(first, 8).empty());
  const Grant second{.instance = 10, .publish = 6, .joined = 4, .waited_ns = kMs};
  ASSERT_EQ(check_grant(second, 8).size(), 1U);
  EXPECT_EQ(check_grant(second, 8)[0].promise, RACELESS_PROMISE_FIRST_PUBLISH);
  const Grant earlier{.instance = 9, .publish = 3, .joined = 4, .waited_ns = kMs};
  EXPECT_EQ(check_grant(earlier, 8).size(), 1U);
}

TEST(Promises, NobodyGetsWhatWasDestroyed) {
  const Grant grant{.instance = 9, .publish = 4, .joined = 4, .waited_ns = 0};
  ASSERT_EQ(check_grant(grant, 9).size(), 1U);
  EXPECT_EQ(check_grant(grant, 9)[0].promise, RACELESS_PROMISE_NO_USE_AFTER_DESTROY);
}

TEST(Promises, EveryRefusalBreaksOneUnlessInitFailsAsItWasAskedTo) {
  for (uint32_t reason = 0; reason < RACELESS_NR_REASONS; reason++) {
    const Refusal refusal{{EIO, "cannot get codec"}, reason};
    EXPECT_EQ(check_refusal(refusal, {}).size(), 1U) << reason;
    EXPECT_EQ(check_refusal(refusal, {.init_error = EIO}).size(),
              reason == RACELESS_REASON_FLIGHT ? 0U : 1U);
  }
  const Refusal other{{ENOENT, "cannot get codec"}, RACELESS_REASON_FLIGHT};
  EXPECT_EQ(check_refusal(other, {.init_error = EIO}).size(), 1U);
}

TEST(Promises, WhoDoesNotWaitMayFindNothing) {
  const auto refused = [](int error, uint32_t reason) {
    return check_refusal({{error, "cannot get factory_part_1"}, reason}, {.may_be_absent = true});
  };
  EXPECT_TRUE(refused(ENOENT, RACELESS_REASON_ABSENT).empty());
  EXPECT_TRUE(refused(ENOENT, RACELESS_REASON_UNLOADING).empty());
  EXPECT_FALSE(refused(ENOENT, RACELESS_REASON_FLIGHT).empty());
  EXPECT_FALSE(refused(EIO, RACELESS_REASON_ABSENT).empty());
}

TEST(Promises, ATimeOutIsAFailureNotAnExcuse) {
  const Refusal refusal{{ETIMEDOUT, "cannot get codec"}, RACELESS_REASON_TIMEOUT};
  const auto broken = check_refusal(refusal, {.init_error = EIO, .may_be_absent = true});
  ASSERT_EQ(broken.size(), 1U);
  EXPECT_EQ(broken[0].promise, RACELESS_PROMISE_LEAVES_NOTHING);
  EXPECT_NE(broken[0].what.find("ETIMEDOUT"), std::string::npos);
}

}  // namespace
}  // namespace raceless
