// SPDX-License-Identifier: GPL-2.0
#include "targets/instance_watch.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

TEST(InstanceWatch, SeesTwoInstancesHeldAtOnce) {
  InstanceWatch watch;
  EXPECT_EQ(watch.hold(0, 7), 0U);
  EXPECT_EQ(watch.hold(1, 7), 0U);
  EXPECT_EQ(watch.hold(2, 8), 7U);
  watch.drop(0);
  watch.drop(1);
  EXPECT_EQ(watch.hold(3, 8), 0U);
}

TEST(InstanceWatch, RemembersTheLastDestroyedWhateverTheOrder) {
  InstanceWatch watch;
  watch.destroyed(5);
  watch.destroyed(3);
  EXPECT_EQ(watch.last_destroyed(), 5U);
}

}  // namespace
}  // namespace raceless
