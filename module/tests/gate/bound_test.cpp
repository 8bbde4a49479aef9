// SPDX-License-Identifier: GPL-2.0
// Waits that would not end by themselves.
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "gated.h"
#include "module_loader.h"

namespace raceless {
namespace {

TEST_F(Gated, CallFailsWhenItsTimeIsUp) {
  ASSERT_EQ(load_gated("exit_ms=4000"), 0);
  ASSERT_TRUE(set_parameter("raceless", "gate_hold_ms", "400"));
  const Unload unload;
  EXPECT_EQ(mount_gated(), ENODEV);
  EXPECT_GE(grown("timeouts"), 1U);
}

// The time is that of all restarts together: here each attempt is raced anew.
// Each get of the module ends when somebody deletes it: no attempt can succeed while one does.
TEST_F(Gated, TimeIsForAllRestartsTogether) {
  const ModprobeLine line("options raceless_gated stall_gets=1");
  ASSERT_EQ(load_gated(), 0);
  ASSERT_TRUE(set_parameter("raceless", "gate_hold_ms", "1000"));
  ASSERT_TRUE(set_parameter("raceless", "gate_lease_ms", "0"));
  ASSERT_TRUE(set_parameter("raceless", "gate_delete_ms", "0"));
  std::atomic<bool> stop{false};
  std::thread unloader([&stop] {
    const int64_t last = now_ms() + 12'000;
    while (!stop && now_ms() < last)
      if (delete_module(kGated) != 0) usleep(1000);
  });
  const int64_t begin = now_ms();
  EXPECT_EQ(mount_gated(), ENODEV);
  EXPECT_LT(now_ms() - begin, 8000);
  stop = true;
  unloader.join();
}

// The user's retry takes as long as the init of the module that it has requested.
TEST_F(Gated, DeleteWaitsForWhoIsRetried) {
  const ModprobeLine line("options raceless_gated init_ms=500");
  ASSERT_EQ(load_gated("exit_ms=1000"), 0);
  ASSERT_TRUE(set_parameter("raceless", "gate_lease_ms", "0"));
  std::thread user;
  {
    const Unload unload;
    user = std::thread([] { EXPECT_EQ(mount_gated(), 0); });
    EXPECT_TRUE(eventually([this] { return grown("waits") == 1; }));
  }
  EXPECT_TRUE(eventually([this] {
    (void)delete_module(kGated);
    return grown("deletes_delayed") != 0 || grown("rescued") != 0;
  }));
  user.join();
  EXPECT_GE(grown("deletes_delayed"), 1U);
}

// Of another module, which is loaded while a call waits: the lease is for that call, and ends
// before it.
TEST_F(Gated, LeaseHasABound) {
  ASSERT_EQ(load_gated("exit_ms=5000"), 0);
  ASSERT_TRUE(set_parameter("raceless", "gate_exit_ms", "9000"));
  ASSERT_TRUE(set_parameter("raceless", "gate_lease_ms", "400"));
  const Unload unload;
  std::thread user([] { EXPECT_EQ(mount_gated(), 0); });
  EXPECT_TRUE(eventually([this] { return grown("waits") == 1; }));
  ASSERT_EQ(load_module("dummy"), 0);
  EXPECT_EQ(delete_module("dummy"), EAGAIN);
  EXPECT_TRUE(eventually([] { return delete_module("dummy") == 0; }));
  EXPECT_EQ(grown("lease_timeouts"), 1U);
  user.join();
}

TEST_F(Gated, LeaseKeepsWhatARequestHasLoaded) {
  ASSERT_EQ(mount_gated(), 0);
  EXPECT_GE(grown("leases"), 1U);
  EXPECT_TRUE(eventually([] { return now("leases_now") == 0; }));
  EXPECT_EQ(delete_module(kGated), 0);
}

}  // namespace
}  // namespace raceless
