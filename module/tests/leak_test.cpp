// SPDX-License-Identifier: GPL-2.0
// Kernel memory that the registry allocated and did not free.
#include <cerrno>

#include "allocations.h"
#include "child.h"
#include "module_loader.h"
#include "registry.h"

namespace raceless {
namespace {

class Leak : public Registry {
 protected:
  static void wait_and_be_killed() {
    Child getter([] { return code(Device::open().value().get("null", kLong)); });
    ASSERT_TRUE(eventually([] { return column("null", "waiters") == 1; }));
    getter.kill();
  }
};

TEST_F(Leak, TheRecordWorks) {
  if (!allocations_are_recorded()) GTEST_SKIP();
  Device device = open();
  ASSERT_EQ(code(device.get("null", kLong)), 0);
  EXPECT_NE(allocations(), "") << "a descriptor, a user, a slot and a reference are there now";
}

// Whatever a get, an unload or a hold can end with, many times: nothing stays.
TEST_F(Leak, NothingAfterManyEndings) {
  if (!allocations_are_recorded()) GTEST_SKIP();
  ModprobeLine options("options raceless_sample_chaos fail_every=1");
  for (int i = 0; i < 5; i++) {
    {
      Absence absence("null");
      wait_and_be_killed();
      Device device = open();
      EXPECT_EQ(code(device.get("null", kMillisecond)), ETIMEDOUT);
      EXPECT_EQ(code(device.get("missing" + std::to_string(i), kLong)), ENOENT);
      EXPECT_EQ(code(device.get("chaos", kLong)), EIO);
      EXPECT_EQ(code(device.get("Bad", kLong)), EINVAL);
      EXPECT_EQ(code(device.unload("missing", kLong)), ENOENT);
    }
    Device device = open();
    const GetResult<Got> got = device.get("null", kLong);
    ASSERT_EQ(code(got), 0);
    EXPECT_EQ(code(device.unload("null", kLong)), EDEADLK);
    EXPECT_EQ(code(open().unload("null", kMillisecond)), ETIMEDOUT);
    ASSERT_EQ(code(device.put(got->ref)), 0);
    ASSERT_EQ(code(device.get("null", kLong)), 0);
  }
  ASSERT_TRUE(eventually([] { return delete_module("raceless_sample_null") == 0; }));
  EXPECT_TRUE(eventually([] { return allocations().empty(); })) << allocations();
}

}  // namespace
}  // namespace raceless
