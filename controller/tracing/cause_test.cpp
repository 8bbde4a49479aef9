// SPDX-License-Identifier: GPL-2.0
#include "cause.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

TEST(Cause, NothingSeenIsUnknown) {
  EXPECT_EQ(classify(raceless_caller{}, 0), FailureCause::unknown);
}

TEST(Cause, OwnLoadThatMetEbusy) {
  raceless_caller seen{};
  seen.load_busy_ns = 10;
  EXPECT_EQ(classify(seen, 10), FailureCause::load_busy);
  EXPECT_EQ(classify(seen, 11), FailureCause::unknown);
}

TEST(Cause, ModprobeThatMetEbusy) {
  raceless_caller seen{};
  seen.get_failed_ns = 1;
  seen.requested_ns = 2;
  seen.modprobe_busy_ns = 3;
  EXPECT_EQ(classify(seen, 1), FailureCause::load_busy);
}

TEST(Cause, ModprobeSucceededAndStillItFailed) {
  raceless_caller seen{};
  seen.requested_ns = 2;
  seen.modprobe_ok_ns = 3;
  EXPECT_EQ(classify(seen, 1), FailureCause::unloaded_again);
  seen.get_failed_ns = 4;  // the second look found it dying again
  EXPECT_EQ(classify(seen, 1), FailureCause::unloaded_again);
}

TEST(Cause, ModprobeSucceededAndNobodyUnloadedAnything) {
  raceless_caller seen{};
  seen.requested_ns = 20;
  seen.modprobe_ok_asked_ns = 20;
  seen.modprobe_ok_ns = 30;
  EXPECT_EQ(classify(seen, 0, 0), FailureCause::unknown);
  EXPECT_EQ(classify(seen, 0, 19), FailureCause::unknown);
  EXPECT_EQ(classify(seen, 0, 20), FailureCause::unloaded_again);
  seen.modprobe_failed_ns = 25;  // of another alias, which nobody provides
  EXPECT_EQ(classify(seen, 0, 19), FailureCause::missing);
  seen.get_failed_ns = 35;  // it was going
  EXPECT_EQ(classify(seen, 0, 19), FailureCause::unloaded_again);
}

TEST(Cause, OfSeveralRequestsTheLastThatExplainsItCounts) {
  raceless_caller seen{};
  seen.requested_ns = 9;
  seen.modprobe_busy_ns = 3;
  seen.modprobe_ok_ns = 5;
  EXPECT_EQ(classify(seen, 1), FailureCause::unloaded_again);
  seen.modprobe_busy_ns = 7;
  EXPECT_EQ(classify(seen, 1), FailureCause::load_busy);
  seen.modprobe_failed_ns = 10;  // an alias that nobody provides
  EXPECT_EQ(classify(seen, 1), FailureCause::load_busy);
}

TEST(Cause, NobodyProvidesIt) {
  raceless_caller seen{};
  seen.requested_ns = 2;
  seen.modprobe_failed_ns = 3;
  EXPECT_EQ(classify(seen, 1), FailureCause::missing);
}

TEST(Cause, FailedGetWithoutARequest) {
  raceless_caller seen{};
  seen.get_failed_ns = 5;
  EXPECT_EQ(classify(seen, 5), FailureCause::still_registered);
}

TEST(Cause, ARequestThatRanNoModprobeIsNotStillRegistered) {
  raceless_caller seen{};
  seen.get_failed_ns = 5;
  seen.requested_ns = 6;
  EXPECT_EQ(classify(seen, 5), FailureCause::unknown);
}

TEST(Cause, WhatEarlierCallsMetDoesNotCount) {
  raceless_caller seen{};
  seen.modprobe_busy_ns = 10;
  seen.requested_ns = 9;
  seen.get_failed_ns = 25;
  EXPECT_EQ(classify(seen, 20), FailureCause::still_registered);
}

TEST(Cause, WhatACallThatIsNotListedMetIsNotOfTheNextOne) {
  constexpr std::uint32_t ioctl_call = 16;
  constexpr std::uint32_t mount_call = 165;
  raceless_caller seen{};
  raceless_meet_in(&seen, ioctl_call);
  seen.requested_ns = 2;
  seen.modprobe_ok_ns = 3;
  raceless_meet_in(&seen, mount_call);
  seen.requested_ns = 4;
  raceless_meet_in(&seen, mount_call);  // of one call everything counts
  EXPECT_EQ(seen.requested_ns, 4U);
  seen.modprobe_failed_ns = 5;
  EXPECT_EQ(classify(seen, 0), FailureCause::missing);
  EXPECT_EQ(seen.call, mount_call);
}

TEST(Cause, NamesAreThoseOfTheRunFile) {
  EXPECT_STREQ(to_string(FailureCause::load_busy), "load_busy");
  EXPECT_STREQ(to_string(FailureCause::unloaded_again), "unloaded_again");
  EXPECT_STREQ(to_string(FailureCause::still_registered), "still_registered");
  EXPECT_STREQ(to_string(FailureCause::missing), "missing");
  EXPECT_STREQ(to_string(FailureCause::unknown), "unknown");
}

}  // namespace
}  // namespace raceless
