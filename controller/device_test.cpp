// SPDX-License-Identifier: GPL-2.0
#include "device.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

TEST(Device, ChecksNames) {
  EXPECT_TRUE(check_provider_name("codec"));
  EXPECT_TRUE(check_provider_name(std::string(RACELESS_NAME_MAX, 'a')));
  EXPECT_FALSE(check_provider_name(""));
  EXPECT_FALSE(check_provider_name(std::string(RACELESS_NAME_MAX + 1, 'a')));
  EXPECT_FALSE(check_provider_name("Codec"));
  EXPECT_FALSE(check_provider_name("a/b"));
  EXPECT_FALSE(check_provider_name("a\n"));
}

TEST(Device, AMissingDeviceIsAnErrorWithItsPath) {
  const Result<Device> device = Device::open("/nonexistent/raceless");
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error().code, ENOENT);
  EXPECT_NE(device.error().message().find("/nonexistent/raceless"), std::string::npos);
}

TEST(Device, EveryReasonAndPromiseHasAName) {
  for (uint32_t reason = 0; reason < RACELESS_NR_REASONS; reason++)
    EXPECT_STRNE(reason_name(reason), "unknown");
  EXPECT_STREQ(reason_name(RACELESS_NR_REASONS), "unknown");
  for (uint32_t promise = 0; promise < RACELESS_NR_PROMISES; promise++)
    EXPECT_STRNE(promise_name(promise), "unknown");
}

}  // namespace
}  // namespace raceless
