// SPDX-License-Identifier: GPL-2.0
// Unloads that wait for a call which would wait for them: let through at once where that can be
// seen, and ended by a bound where it cannot.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "gated.h"
#include "module_loader.h"

namespace raceless {
namespace {

class Circle : public Gated {
 protected:
  // Bounds that no test waits for, however slow the host is.
  void SetUp() override {
    Gated::SetUp();
    EXPECT_TRUE(set_parameter("raceless", "gate_exit_ms", "40000"));
    EXPECT_TRUE(set_parameter("raceless", "gate_hold_ms", "50000"));
  }

  static constexpr int64_t kAtOnceMs = 20000;

  void unload_at_once(const std::string& options) {
    ASSERT_EQ(load_gated(options), 0);
    const int64_t begin = now_ms();
    Unload unload;
    unload.join();
    EXPECT_EQ(unload.error(), 0);
    EXPECT_LT(now_ms() - begin, kAtOnceMs);
    EXPECT_GE(grown("exempt_calls"), 1U);
    EXPECT_EQ(grown("exit_stalls"), 0U);
  }
};

// modprobe's load would wait for the exit, which waits for modprobe.
TEST_F(Circle, ExitAsksForItself) { unload_at_once("exit_requests=1"); }

// The same, one step further: the exit waits for its thread, that for modprobe.
TEST_F(Circle, ExitStopsAThreadThatAsksForTheModule) { unload_at_once("exit_stops=1"); }

// A helper that is no modprobe, and the modprobe of its mount.
TEST_F(Circle, ExitRunsAProgramThatMounts) {
  mkdir("/tmp/gated", 0700);
  unload_at_once("exit_runs=\"/bin/mount -t raceless_gated none /tmp/gated\"");
}

// The exit waits until its device is closed, which it itself counts.
TEST_F(Circle, ExitAwaitsTheEndOfAFile) {
  ASSERT_EQ(load_gated(), 0);
  const int file = open("/dev/raceless_gated", O_RDWR | O_CLOEXEC);
  ASSERT_GE(file, 0);
  Unload unload;
  const int64_t begin = now_ms();
  EXPECT_EQ(mount_gated(), ENODEV);
  EXPECT_LT(now_ms() - begin, kAtOnceMs);
  close(file);
  unload.join();
  EXPECT_EQ(unload.error(), 0);
  EXPECT_GE(grown("exempt_calls"), 2U);  // the mount's, and its modprobe's
}

// Who has no such file waits.
TEST_F(Circle, FileOfAnotherProcessDoesNotCount) {
  ASSERT_EQ(load_gated("exit_ms=1000"), 0);
  const int file = open("/dev/null", O_RDWR | O_CLOEXEC);
  const Unload unload;
  EXPECT_EQ(mount_gated(), 0);
  close(file);
  EXPECT_EQ(grown("exempt_calls"), 0U);
}

// The exit waits for what its user would do next, and nothing says so: a bound ends it.
TEST_F(Circle, ExitAwaitsWhatNobodyCanKnow) {
  ASSERT_EQ(load_gated("exit_waits=1"), 0);
  ASSERT_TRUE(set_parameter("raceless", "gate_exit_ms", "300"));
  const Unload unload;
  EXPECT_EQ(mount_gated(), ENODEV);
  EXPECT_TRUE(set_parameter(kGated, "exit_waits", "0"));
  EXPECT_GE(grown("exit_stalls"), 1U);
  EXPECT_EQ(grown("exempt_calls"), 0U);
}

// A request would wait for its modprobe, that for a delete, and that for older calls.
TEST_F(Circle, DeleteOfAModprobeDoesNotWait) {
  ASSERT_EQ(load_gated("late_ms=8000"), 0);
  const Unload unload;
  std::thread older([] { EXPECT_EQ(load_gated(), 0); });
  EXPECT_TRUE(eventually([this] { return grown("waits") == 1 && !is_registered(); }));
  {
    const ModprobeLine line("install fs-raceless_gated busybox rmmod raceless_gated; false");
    const int64_t begin = now_ms();
    EXPECT_EQ(mount_gated(), ENODEV);
    EXPECT_LT(now_ms() - begin, 5000);
  }
  EXPECT_EQ(grown("exempt_deletes"), 1U);
  older.join();
}

}  // namespace
}  // namespace raceless
