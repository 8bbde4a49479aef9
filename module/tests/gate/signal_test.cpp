// SPDX-License-Identifier: GPL-2.0
// Tasks that are held, and what can happen to a task: signals, death, fork, exec.
#include <sched.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "../child.h"
#include "gated.h"
#include "module_loader.h"

namespace raceless {
namespace {

std::atomic<int> alarms{0};

void on_alarm(int /*signal*/) { alarms++; }

// SIGALRM every 3 ms for as long as it lives.
class Alarms {
 public:
  explicit Alarms(int flags) {
    alarms = 0;
    struct sigaction action {};
    action.sa_handler = on_alarm;
    action.sa_flags = flags;
    sigaction(SIGALRM, &action, nullptr);
    set(3000);
  }
  ~Alarms() { set(0); }
  Alarms(const Alarms&) = delete;
  Alarms& operator=(const Alarms&) = delete;

 private:
  static void set(int us) {
    const itimerval timer{{0, us}, {0, us}};
    setitimer(ITIMER_REAL, &timer, nullptr);
  }
};

class Signalled : public Gated, public testing::WithParamInterface<int> {};

TEST_P(Signalled, LoadUnderAlarms) {
  for (int i = 0; i < 3; i++) {
    load_with_exit_until(
        [this, before = grown("signals")] { return grown("signals") >= before + 3; });
    const Unload unload;
    {
      const Alarms alarming(GetParam());
      EXPECT_EQ(load_gated(), 0);
      EXPECT_GE(alarms, 3);
    }
    EXPECT_TRUE(eventually([] { return delete_module(kGated) == 0; }));
  }
  EXPECT_GE(grown("signals"), 3U);
}

// The kernel's loader waits by itself for a module whose exit has returned and whose name is taken
// yet. A signal ends that wait with EINTR, unless SA_RESTART is set.
TEST_P(Signalled, LoadUnderAlarmsWhileItIsFreed) {
  ASSERT_EQ(load_gated("free_ms=1000"), 0);
  const Unload unload;
  const Alarms alarming(GetParam());
  EXPECT_EQ(load_gated(), 0);
  EXPECT_GE(alarms, 3);
}

TEST_P(Signalled, MountUnderAlarms) {
  for (int i = 0; i < 3; i++) {
    ASSERT_EQ(load_gated("exit_ms=1000"), 0);
    const Unload unload;
    const Alarms alarming(GetParam());
    EXPECT_EQ(mount_gated(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(WithAndWithout, Signalled, testing::Values(0, SA_RESTART));

TEST_F(Gated, KilledInTheWait) {
  for (int i = 0; i < 20; i++) {
    ASSERT_EQ(load_gated("exit_ms=60"), 0);
    const Unload unload;
    Child child([i] {
      // a mount that nobody lives to undo goes with it
      if (unshare(CLONE_NEWNS) != 0) return errno;
      return i % 2 == 0 ? mount_gated() : load_gated();
    });
    usleep(static_cast<useconds_t>(i * 4000));
    child.kill();
  }
}

TEST_F(Gated, KilledWhileItIsHeldForSure) {
  load_with_endless_exit();
  const Unload unload;
  Child child([] { return load_gated(); });
  EXPECT_TRUE(eventually([this] { return grown("waits") == 1; }));
  child.kill();
  EXPECT_TRUE(eventually([] { return now("calls_now") == 0; }));
  EXPECT_TRUE(none_timed_out());
  let_exit();
}

// Its other threads fork, and then the process ends with exit() or exec.
void hold_one_thread_and(const std::function<void()>& then) {
  std::thread held([] { (void)load_gated(); });
  usleep(150'000);
  for (int i = 0; i < 5; i++) {
    Child child([] { return 7; });
    if (child.status() != 7) _exit(1);
  }
  then();
  held.join();
}

TEST_F(Gated, ProcessForksAndExitsWhileAThreadIsHeld) {
  load_with_endless_exit();
  const Unload unload;
  Child child([] {
    hold_one_thread_and([] { _exit(3); });
    return 0;
  });
  EXPECT_EQ(child.status(), 3);
  EXPECT_TRUE(none_timed_out());
  let_exit();
}

TEST_F(Gated, ProcessExecsWhileAThreadIsHeld) {
  load_with_endless_exit();
  const Unload unload;
  Child child([] {
    hold_one_thread_and([] { execl("/bin/true", "true", nullptr); });
    return 1;
  });
  EXPECT_EQ(child.status(), 0);
  EXPECT_TRUE(none_timed_out());
  let_exit();
}

}  // namespace
}  // namespace raceless
