// SPDX-License-Identifier: GPL-2.0
// Loads that must not wait for a module that is going: it goes because its init failed, or its exit
// waits for them. True of every kernel, with docs/kernel/*.patch or without.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "../registry.h"
#include "file_descriptor.h"
#include "loader.h"
#include "module_loader.h"

namespace raceless {
namespace {

class OtherLoads : public Loader {};

// Linux had loads wait for any module that is going from 5.3 to 6.1, until this took minutes
// (0254127ab977).
TEST_F(OtherLoads, FailTogetherFromMemory) {
  EXPECT_LT(fail_together([this] { return file_.load_image("init_ms=1000 init_error=5"); }),
            20'000);
}

TEST_F(OtherLoads, FailTogetherFromAFile) {
  EXPECT_LT(fail_together([this] { return file_.load("init_ms=1000 init_error=5"); }), 20'000);
}

TEST_F(OtherLoads, ExitAsksForItsOwnModule) {
  ASSERT_EQ(load_gated("exit_requests=1"), 0);
  const int64_t begin = now_ms();
  Unload unload;
  unload.join();
  EXPECT_EQ(unload.error(), 0);
  EXPECT_LT(now_ms() - begin, 10'000);
}

// Here its modprobe joins a load of the same file that waits for the exit already.
TEST_F(OtherLoads, ExitAsksForItsOwnModuleWhileALoadWaits) {
  ASSERT_EQ(load_gated("exit_ms=1000 exit_requests=1"), 0);
  const int64_t begin = now_ms();
  Unload unload;
  const auto load = start([this] { return file_.load(); });
  EXPECT_EQ(load->status(), EBUSY);
  unload.join();
  EXPECT_EQ(unload.error(), 0);
  EXPECT_LT(now_ms() - begin, 10'000);
}

TEST_F(OtherLoads, MeetAModuleWhoseDeletionWasRefused) {
  ASSERT_EQ(load_gated("exit_ms=2500"), 0);
  const FileDescriptor context(static_cast<int>(syscall(SYS_fsopen, kGated, 0U)));
  ASSERT_TRUE(context);
  ASSERT_EQ(delete_module(kGated), EAGAIN);
  const int64_t begin = now_ms();
  EXPECT_EQ(file_.load_image(), EEXIST);
  EXPECT_LT(now_ms() - begin, 2000);
}

}  // namespace
}  // namespace raceless
