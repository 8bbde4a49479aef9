// SPDX-License-Identifier: GPL-2.0
// Waits that would not end by themselves.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "../child.h"
#include "file_descriptor.h"
#include "gated.h"
#include "module_loader.h"
#include "text_file.h"

namespace raceless {
namespace {

TEST_F(Gated, CallFailsWhenItsTimeIsUp) {
  load_with_endless_exit();
  ASSERT_TRUE(set_parameter("raceless", "gate_hold_ms", "400"));
  const Unload unload;
  EXPECT_EQ(mount_gated(), ENODEV);
  EXPECT_GE(grown("timeouts"), 1U);
  let_exit();
}

// It is not known when its user sees that: neither to the call's own end, nor to others that
// follow.
TEST_F(Gated, CallThatWasGivenUpIsForgottenWithItsTask) {
  load_with_endless_exit();
  ASSERT_TRUE(set_parameter("raceless", "gate_hold_ms", "300"));
  const Unload unload;
  Child user([] { return mount_gated(); });
  EXPECT_EQ(user.status(), ENODEV);
  EXPECT_GE(grown("timeouts"), 1U);
  EXPECT_TRUE(eventually([] { return program_count("nr_marked") == 0; }))
      << program_count("nr_marked");
  let_exit();
}

// The kernel gives up a request that waits for one of its 50 places for more than 5 s, and says so.
bool requests_were_given_up() {
  constexpr int kReadAll = 3;
  std::string log(1U << 20U, '\0');
  const int bytes = klogctl(kReadAll, log.data(), static_cast<int>(log.size()));
  return bytes > 0 && log.find("kmod busy with") != std::string::npos;
}

// The kernel runs 50 modprobes at once, and lets others wait: a crowd that asks for one dying
// module must not keep those from their places who ask for another.
TEST_F(Gated, CrowdLeavesRoomForOtherRequests) {
  constexpr int kCrowd = 60;
  const ModprobeLine line("alias fs-raceless_nothing dummy");
  load_with_endless_exit();
  ASSERT_TRUE(set_parameter("raceless", "gate_exit_ms", "60000"));
  ASSERT_TRUE(set_parameter("raceless", "gate_hold_ms", "60000"));
  const Unload unload;
  std::atomic<int> failed{0};
  std::vector<std::thread> crowd;
  crowd.reserve(kCrowd);
  for (int i = 0; i < kCrowd; i++)
    crowd.emplace_back([&failed] {
      const auto context = static_cast<int>(syscall(SYS_fsopen, kGated, 0U));
      if (context < 0 || close(context) != 0) failed++;
    });
  // one after the other: a slow guest takes its time for so many modprobes
  for (const unsigned waits : {20U, 35U, 50U})
    EXPECT_TRUE(eventually([this, waits] { return grown("waits") >= waits; })) << waits;
  EXPECT_GE(grown("open helper"), 1U);
  EXPECT_EQ(mount_gated("raceless_nothing"), ENODEV) << "there is no such file system in it";
  EXPECT_EQ(module_state("dummy"), ModuleState::live);
  EXPECT_TRUE(none_timed_out());
  let_exit();
  for (std::thread& one : crowd) one.join();
  // On a slow guest the time of some is up before so many modprobes have come to their turn again.
  if (none_timed_out() && !requests_were_given_up()) {
    EXPECT_EQ(failed, 0);
  }
  EXPECT_EQ(delete_module("dummy"), 0);
}

// Who is held keeps nothing of the kernel's: the call had the last reference on a mount.
TEST_F(Gated, CallThatIsHeldHasPutItsPath) {
  constexpr char kGone[] = "/tmp/gone", kThere[] = "/tmp/there", kGo[] = "/tmp/go";
  std::optional<ModprobeLine> line;
  line.emplace(
      fmt::format("install fs-raceless_gated while [ ! -e {} ]; do sleep 0.1; done; false", kGo));
  const FileDescriptor watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch) GTEST_SKIP() << "the kernel has no inotify";
  mkdir(kGone, 0700);
  mkdir(kThere, 0700);
  ASSERT_EQ(mount("none", kGone, "tmpfs", 0, nullptr), 0);
  ASSERT_GE(inotify_add_watch(watch.get(), kGone, IN_DELETE_SELF), 0);
  load_with_endless_exit();
  const Unload unload;
  EXPECT_EQ(chdir(kGone), 0);
  std::atomic<pid_t> tid{0};
  std::thread user([&tid] {
    tid = gettid();
    EXPECT_EQ(mount("none", ".", kGated, 0, nullptr), 0) << strerror(errno);
  });
  EXPECT_TRUE(eventually([&tid] { return is_in(tid, "__request_module"); }));
  EXPECT_EQ(umount2(kGone, MNT_DETACH), 0);
  EXPECT_EQ(chdir(kThere), 0);
  EXPECT_TRUE(write_file(kGo, ""));
  EXPECT_TRUE(eventually([this] { return grown("waits") == 1; }));
  EXPECT_TRUE(eventually([&watch] {
    inotify_event event{};
    return read(watch.get(), &event, sizeof event) > 0 && (event.mask & IN_UNMOUNT) != 0;
  }));
  line.reset();
  let_exit();
  user.join();
  umount2(kThere, MNT_DETACH);
  EXPECT_EQ(chdir("/"), 0);
  EXPECT_EQ(unlink(kGo), 0);
}

// The time is that of all restarts together: here each attempt is raced anew.
// Each get of the module ends when somebody deletes it: no attempt can succeed while one does.
TEST_F(Gated, TimeIsForAllRestartsTogether) {
  const ModprobeLine line("options raceless_gated stall_gets=1");
  ASSERT_EQ(load_gated(), 0);
  ASSERT_TRUE(set_parameter("raceless", "gate_hold_ms", "1000"));
  ASSERT_TRUE(set_parameter("raceless", "gate_lease_ms", "0"));
  ASSERT_TRUE(set_parameter("raceless", "gate_delete_ms", "0"));
  int error = 0;
  // A get ends by itself if the unloader is kept from its CPU for as long: that mount succeeds.
  for (int attempt = 0; attempt < 5 && error == 0; attempt++) {
    std::atomic<bool> stop{false};
    std::thread unloader([&stop] {
      const int64_t last = now_ms() + 12'000;
      while (!stop && now_ms() < last)
        if (delete_module(kGated) != 0) usleep(1000);
    });
    const int64_t begin = now_ms();
    error = mount_gated();
    EXPECT_LT(now_ms() - begin, 8000);
    stop = true;
    unloader.join();
  }
  EXPECT_EQ(error, ENODEV);
}

// The user's retry takes as long as the init of the module that it has requested.
TEST_F(Gated, DeleteWaitsForWhoIsRetried) {
  const ModprobeLine line("options raceless_gated init_ms=3000");
  load_with_endless_exit();
  ASSERT_TRUE(set_parameter("raceless", "gate_lease_ms", "0"));
  std::thread user;
  {
    const Unload unload;
    user = std::thread([] { EXPECT_EQ(mount_gated(), 0); });
    EXPECT_TRUE(eventually([this] { return grown("waits") == 1; }));
    let_exit();
  }
  EXPECT_TRUE(eventually([this] {
    (void)delete_module(kGated);
    return grown("deletes_delayed") != 0 || grown("rescued") != 0;
  }));
  user.join();
  EXPECT_GE(grown("deletes_delayed"), 1U);
}

// Of another module, which is loaded while a call waits: the lease is for that call, and ends
// before it. Who has loaded it knows of no lease, and need not: the delete waits.
TEST_F(Gated, LeaseHasABound) {
  load_with_endless_exit();
  ASSERT_TRUE(set_parameter("raceless", "gate_lease_ms", "3000"));
  ASSERT_TRUE(set_parameter("raceless", "gate_delete_ms", "20000"));
  const Unload unload;
  std::thread user([] { EXPECT_EQ(mount_gated(), 0); });
  EXPECT_TRUE(eventually([this] { return grown("waits") == 1; }));
  EXPECT_EQ(load_module("dummy"), 0);
  EXPECT_EQ(delete_module("dummy"), 0);
  EXPECT_EQ(grown("lease_timeouts"), 1U);
  EXPECT_EQ(grown("deletes_delayed"), 1U);
  let_exit();
  user.join();
}

// The gate's program cannot read a name whose page nobody has touched.
TEST_F(Gated, LeaseIsAwaitedByANameThatIsNotThereYet) {
  load_with_endless_exit();
  ASSERT_TRUE(set_parameter("raceless", "gate_lease_ms", "3000"));
  ASSERT_TRUE(set_parameter("raceless", "gate_delete_ms", "20000"));
  ASSERT_TRUE(write_text("/tmp/name", std::string("dummy\0", 6)));
  const FileDescriptor file(::open("/tmp/name", O_RDONLY | O_CLOEXEC));
  void* name = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, file.get(), 0);
  ASSERT_NE(name, MAP_FAILED);
  const Unload unload;
  std::thread user([] { EXPECT_EQ(mount_gated(), 0); });
  EXPECT_TRUE(eventually([this] { return grown("waits") == 1; }));
  EXPECT_EQ(load_module("dummy"), 0);
  EXPECT_EQ(syscall(SYS_delete_module, name, O_NONBLOCK), 0) << std::strerror(errno);
  EXPECT_EQ(grown("lease_timeouts"), 1U);
  EXPECT_EQ(grown("deletes_delayed"), 1U);
  let_exit();
  user.join();
  munmap(name, 4096);
}

// Who uses it besides is told at once.
TEST_F(Gated, LeaseHidesNoUser) {
  load_with_endless_exit();
  EXPECT_TRUE(set_parameter("raceless", "gate_lease_ms", "5000"));
  const Unload unload;
  std::thread user([] { EXPECT_EQ(mount_gated(), 0); });
  EXPECT_TRUE(eventually([this] { return grown("waits") == 1; }));
  EXPECT_EQ(load_module("raceless_sample_null"), 0);
  {
    Device device = Device::open().value();
    EXPECT_TRUE(device.get("null", 0));
    EXPECT_EQ(delete_module("raceless_sample_null"), EAGAIN);
    EXPECT_EQ(grown("deletes_delayed"), 0U);
  }
  EXPECT_TRUE(eventually([] { return delete_module("raceless_sample_null") == 0; }));
  let_exit();
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
