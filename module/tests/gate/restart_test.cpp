// SPDX-License-Identifier: GPL-2.0
// Calls that meet a dying module, and that succeed all the same; and those that must not wait.
#include <fcntl.h>
#include <linux/mount.h>
#include <netinet/udp.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <vector>

#include "../call_32.h"
#include "../child.h"
#include "gated.h"
#include "module_loader.h"
#include "text_file.h"

namespace raceless {
namespace {

TEST_F(Gated, MountWhileItIsStillRegistered) {
  load_with_exit_until_awaited();
  const Unload unload;
  EXPECT_EQ(mount_gated(), 0);
  EXPECT_GE(grown("restarts"), 1U);
  EXPECT_GE(grown("rescued"), 1U);
}

TEST_F(Gated, MountWhileItIsNoLongerRegistered) {
  ASSERT_EQ(load_gated("late_ms=1000"), 0);
  const Unload unload;
  EXPECT_EQ(mount_gated(), 0);
}

TEST_F(Gated, OpenAFileSystemWhileItGoes) {
  ASSERT_EQ(load_gated("exit_ms=1000"), 0);
  const Unload unload;
  const int fd = static_cast<int>(syscall(SYS_fsopen, kGated, 0U));
  EXPECT_GE(fd, 0) << strerror(errno);
  if (fd >= 0) close(fd);
}

TEST_F(Gated, SocketWhileItIsStillRegistered) {
  load_with_exit_until_awaited();
  const Unload unload;
  EXPECT_EQ(socket_gated(), EPROTO);
  EXPECT_GE(grown("restarts"), 1U);
}

// Its get begins while the module is live, and fails; what looks at the begins of gets cannot know.
// It keeps its CPU, interrupts off. If somebody waits for all CPUs on the other one just then, the
// delete comes when the get has ended by itself: that was none of the kind, and is tried again.
TEST_F(Gated, SocketWhoseGetBeganBeforeTheDelete) {
  const auto parameter = [](const std::string& name) {
    return first_line("/sys/module/raceless_gated/parameters/" + name);
  };
  bool ended_by_delete = false;
  for (int attempt = 0; attempt < 10; attempt++) {
    ASSERT_EQ(load_gated("stall_gets=1 exit_waits=1"), 0);
    // A load's init memory goes after a grace period, and a probe is optimised: both for all CPUs.
    std::this_thread::sleep_for(std::chrono::milliseconds(300) * (attempt + 1));
    std::thread unloader([&parameter] {
      EXPECT_TRUE(run_on(0));
      const int64_t last = now_ms() + 10'000;
      while (parameter("stalled") != "1" && now_ms() < last) sched_yield();
      EXPECT_TRUE(eventually([] { return delete_module(kGated) == 0; }));
    });
    // A process: who shares memory with it would wait for it, too.
    Child getter([] { return run_on(1) && socket_gated() == EPROTO ? 0 : 1; });
    EXPECT_TRUE(eventually([] { return module_state(kGated) != ModuleState::live; }));
    ended_by_delete = parameter("overslept") == "0";
    EXPECT_TRUE(set_parameter(kGated, "exit_waits", "0"));
    unloader.join();
    EXPECT_EQ(getter.status(), 0);
    if (ended_by_delete) break;
    EXPECT_TRUE(eventually([] { return delete_module(kGated) != EAGAIN; }));
  }
  EXPECT_TRUE(ended_by_delete);
  EXPECT_GE(grown("restarts"), 1U);
}

// Nothing of it has to do with a module, which nobody can tell of one that fails near a delete.
// Twice, and not for as long as others delete.
TEST_F(Gated, CallThatFailsByItselfNearADelete) {
  const FileDescriptor plain(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(plain);
  const auto restarts_of_a_failure = [&] {
    const uint64_t before = grown("restarts");
    const int one = 1;
    EXPECT_NE(setsockopt(plain.get(), SOL_UDP, 0x7fff, &one, sizeof(one)), 0);
    EXPECT_EQ(errno, ENOPROTOOPT);
    return grown("restarts") - before;
  };
  load_with_endless_exit();
  {
    const Unload unload;
    EXPECT_EQ(restarts_of_a_failure(), 2U);
    let_exit();
  }
  // Soon after one, too, unless the guest is so slow that it is not near any more.
  uint64_t most = restarts_of_a_failure();
  for (int attempt = 0; attempt < 20 && most == 0; attempt++) {
    ASSERT_EQ(load_gated(), 0);
    ASSERT_TRUE(eventually([] { return delete_module(kGated) == 0; }));
    most = restarts_of_a_failure();
  }
  EXPECT_GE(most, 1U);
  EXPECT_LE(most, 2U);
}

// Those of 32-bit programs have ends of their own.
TEST_F(Gated, CallsOf32BitsThatFailBesideADelete) {
  constexpr long kGetsockopt = 365, kSetsockopt = 366, kUnknown = 0x7fff;
  const FileDescriptor plain(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(plain);
  void* low = mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT | MAP_POPULATE, -1, 0);
  ASSERT_NE(low, MAP_FAILED);
  const long value = reinterpret_cast<long>(low), bytes = value + 2 * long{sizeof(int)};
  static_cast<int*>(low)[2] = sizeof(int);
  load_with_endless_exit();
  const Unload unload;
  EXPECT_EQ(call_32(kSetsockopt, plain.get(), SOL_UDP, kUnknown, value, sizeof(int)), -ENOPROTOOPT);
  EXPECT_EQ(call_32(kGetsockopt, plain.get(), SOL_UDP, kUnknown, value, bytes), -ENOPROTOOPT);
  EXPECT_EQ(grown("syscall setsockopt restarts"), 2U);
  EXPECT_EQ(grown("syscall getsockopt restarts"), 2U);
  let_exit();
  munmap(low, 4096);
}

TEST_F(Gated, SocketWhileItIsNoLongerRegistered) {
  ASSERT_EQ(load_gated("late_ms=1000"), 0);
  const Unload unload;
  EXPECT_EQ(socket_gated(), EPROTO);
}

TEST_F(Gated, LoadWhileItGoes) {
  load_with_exit_until_awaited();
  const Unload unload;
  EXPECT_EQ(load_gated(), 0);
  EXPECT_EQ(module_state(kGated), ModuleState::live);
  EXPECT_GE(grown("restarts"), 1U);
}

TEST_F(Gated, LoadOfAnImageWhileItGoes) {
  load_with_exit_until_awaited();
  const Unload unload;
  EXPECT_EQ(load_image(), 0);
  EXPECT_GE(grown("restarts"), 1U);
}

int failed_of_many_loads() {
  constexpr int kLoaders = 8;
  std::vector<std::thread> loaders;
  loaders.reserve(kLoaders);
  std::atomic<int> failed{0};
  for (int i = 0; i < kLoaders; i++)
    loaders.emplace_back([&failed] {
      if (load_gated() != 0) failed++;
    });
  for (std::thread& loader : loaders) loader.join();
  return failed;
}

// Each waits for the same exit, and then the kernel has one of them load it.
TEST_F(Gated, ManyLoadsWhileItGoes) {
  ASSERT_EQ(load_gated("late_ms=1000"), 0);
  const Unload unload;
  EXPECT_EQ(failed_of_many_loads(), 0);
}

// The exit has returned, and what is left of the module is in free_module(), which waits for
// somebody who reads in its folder. On 6.12 most of the loaders share one load's EBUSY.
TEST_F(Gated, ManyLoadsAfterItsExit) {
  ASSERT_EQ(load_gated("linger_ms=4000"), 0);
  Child reader(
      [] { return read_text("/sys/module/raceless_gated/parameters/linger") ? 0 : errno; });
  ASSERT_TRUE(eventually([&reader] { return is_in(reader.pid(), "linger"); }));
  const Unload unload;
  ASSERT_TRUE(eventually([&unload] { return is_in(unload.tid(), "free_module"); }));
  EXPECT_FALSE(is_registered());
  EXPECT_EQ(failed_of_many_loads(), 0);
  EXPECT_EQ(module_state(kGated), ModuleState::live);
  EXPECT_GE(grown("restarts"), 1U);
}

// For what a call of a 32-bit program points to.
class LowMemory {
 public:
  LowMemory()
      : page_(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
                   -1, 0)) {}
  ~LowMemory() { munmap(page_, 4096); }
  LowMemory(const LowMemory&) = delete;
  LowMemory& operator=(const LowMemory&) = delete;

  long copy(const char* text) {
    char* place = static_cast<char*>(page_) + used_;
    used_ += strlen(text) + 1;
    strcpy(place, text);
    return static_cast<long>(reinterpret_cast<uintptr_t>(place));
  }

 private:
  void* page_;
  size_t used_ = 0;
};

TEST_F(Gated, MountOfA32BitProgram) {
  load_with_exit_until_awaited();
  LowMemory memory;
  mkdir("/tmp/gated", 0700);
  const long none = memory.copy("none");
  const long point = memory.copy("/tmp/gated");
  const long type = memory.copy(kGated);
  const Unload unload;
  EXPECT_EQ(call_32(21, none, point, type, 0, 0), 0);
  EXPECT_EQ(umount2("/tmp/gated", 0), 0);
  EXPECT_GE(grown("restarts"), 1U);
}

// Nobody is waited for who does not exist, whatever else goes on.
TEST_F(Gated, MissingModuleWhileAnotherGoes) {
  ASSERT_EQ(load_gated("exit_ms=2500"), 0);
  const Unload unload;
  for (int i = 0; i < 3; i++) EXPECT_EQ(mount_gated("raceless_missing"), ENODEV);
  EXPECT_EQ(grown("waits"), 0U);
  EXPECT_EQ(grown("restarts"), 0U);
  EXPECT_EQ(grown("missing"), 3U);
}

// modprobe succeeds, and no module has to do with it.
TEST_F(Gated, RequestThatLoadsNothing) {
  const ModprobeLine line("install fs-raceless_nothing true");
  ASSERT_EQ(load_gated("exit_ms=2500"), 0);
  const Unload unload;
  EXPECT_EQ(mount_gated("raceless_nothing"), ENODEV);
  EXPECT_EQ(grown("restarts"), 0U);
  EXPECT_EQ(grown("missing"), 1U);
}

// What an alias stands for is known from what its modprobe did: only that is waited for.
TEST_F(Gated, DeleteOfAnotherModuleDoesNotWait) {
  const ModprobeLine line(
      "install fs-raceless_gated modprobe raceless_gated; busybox rmmod raceless_gated");
  ASSERT_TRUE(set_parameter("raceless", "gate_lease_ms", "0"));
  ASSERT_TRUE(set_parameter("raceless", "gate_hold_ms", "4000"));
  ASSERT_EQ(modprobe("raceless_asker"), 0);
  std::thread user([] { EXPECT_EQ(mount_gated(), ENODEV); });
  EXPECT_TRUE(eventually([this] { return grown("syscall mount restarts") >= 1; }));
  EXPECT_EQ(delete_module("raceless_asker"), 0);
  EXPECT_EQ(grown("timeouts"), 0U) << "nobody waits any more";
  EXPECT_EQ(grown("deletes_delayed"), 0U);
  user.join();
}

TEST_F(Gated, MissingModuleIsNotHeld) {
  constexpr unsigned kMounts = 9;
  for (unsigned i = 0; i < kMounts; i++) EXPECT_EQ(mount_gated("raceless_missing"), ENODEV);
  EXPECT_EQ(grown("missing"), kMounts);
  EXPECT_EQ(grown("waits"), 0U);
  EXPECT_EQ(grown("restarts"), 0U);
}

// Linux once had a load wait for any other of its name, and failing ones queued up behind each
// other (0254127ab977). Who waits for an init that fails must fail with it.
TEST_F(Gated, ManyLoadsOfWhatFailsAfterASecond) {
  ASSERT_EQ(load_gated(), 0);
  ASSERT_EQ(delete_module(kGated), 0);  // so that its name is known as one that was deleted
  constexpr int kLoaders = 64;
  std::vector<std::thread> loaders;
  loaders.reserve(kLoaders);
  std::atomic<int> succeeded{0};
  const int64_t begin = now_ms();
  for (int i = 0; i < kLoaders; i++)
    loaders.emplace_back([&succeeded] {
      if (load_image("init_ms=1000 init_error=5") == 0) succeeded++;
    });
  for (std::thread& loader : loaders) loader.join();
  EXPECT_EQ(succeeded, 0);
  EXPECT_LT(now_ms() - begin, 1000 * kLoaders / 2);
  EXPECT_EQ(grown("restarts"), 0U);
}

// Its init has failed by itself: that something else is deleted meanwhile is no reason to run it
// again, nor for other deletes to wait for it.
TEST_F(Gated, RequestOfWhatFailsToLoadWhileAnotherGoes) {
  const ModprobeLine line("options raceless_gated init_ms=200 init_error=19");
  ASSERT_EQ(load_module("raceless_sample_chaos", "destroy_ms=6000"), 0);
  std::thread unloader([] { EXPECT_EQ(delete_module("raceless_sample_chaos"), 0); });
  EXPECT_TRUE(
      eventually([] { return module_state("raceless_sample_chaos") != ModuleState::live; }));
  EXPECT_EQ(mount_gated(), ENODEV);
  EXPECT_NE(module_state("raceless_sample_chaos"), ModuleState::absent);
  EXPECT_EQ(grown("restarts"), 0U);
  unloader.join();
}

// The same for who waits for the load of another one, and has no init of his own to show for it.
TEST_F(Gated, RequestsOfWhatFailsToLoadWhileAnotherGoes) {
  const ModprobeLine line("options raceless_gated init_ms=1000 init_error=16");
  ASSERT_EQ(load_module("raceless_sample_chaos", "destroy_ms=6000"), 0);
  std::thread unloader([] { EXPECT_EQ(delete_module("raceless_sample_chaos"), 0); });
  EXPECT_TRUE(
      eventually([] { return module_state("raceless_sample_chaos") != ModuleState::live; }));
  std::thread other([] { EXPECT_EQ(mount_gated(), ENODEV); });
  EXPECT_EQ(mount_gated(), ENODEV);
  other.join();
  EXPECT_NE(module_state("raceless_sample_chaos"), ModuleState::absent);
  EXPECT_EQ(grown("restarts"), 0U);
  unloader.join();
}

// A lease is on a live module: an init that fails takes it away whatever its count.
TEST_F(Gated, RequestOfWhatFailsToLoad) {
  const ModprobeLine line("options raceless_gated init_ms=200 init_error=5");
  EXPECT_EQ(mount_gated(), ENODEV);
  EXPECT_EQ(grown("leases"), 0U);
  EXPECT_EQ(grown("restarts"), 0U);
  EXPECT_EQ(module_state(kGated), ModuleState::absent);
}

}  // namespace
}  // namespace raceless
