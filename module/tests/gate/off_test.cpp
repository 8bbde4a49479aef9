// SPDX-License-Identifier: GPL-2.0
// The end of the gate, asked for or not: whoever waits goes on, and nothing is left in the kernel.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "device.h"
#include "gate/gate.h"
#include "gated.h"
#include "module_loader.h"
#include "text_file.h"

namespace raceless {
namespace {

constexpr const char* kRemovePins = "rm -r /sys/fs/bpf/raceless/gate";
constexpr std::chrono::seconds kForPrograms(120);  // until all are freed

// Does anything of ours, or for us, run where the kernel runs this function?
bool is_traced(const std::string& function) {
  const Result<std::string> traced = read_text("/sys/kernel/tracing/enabled_functions");
  EXPECT_TRUE(traced);
  return traced && traced->find(function) != std::string::npos;
}

// When the kernel takes a module?
bool gets_are_traced() { return is_traced("try_module_get"); }

// Tasks that free a link of BPF now, or wait for their turn.
long nr_freeing_links() {
  std::error_code error;
  const std::filesystem::directory_iterator tasks("/proc", error);
  return std::count_if(begin(tasks), end(tasks), [](const auto& task) {
    const Result<std::string> stack = read_text(task.path() / "stack");
    return stack && stack->find("bpf_link_free") != std::string::npos;
  });
}

class GateEnd : public Gated {};

TEST_F(GateEnd, OffLetsEverybodyGo) {
  load_with_endless_exit();
  const Unload unload;
  std::thread user([] { EXPECT_EQ(load_gated(), EBUSY); });
  EXPECT_TRUE(eventually([this] { return grown("waits") == 1; }));
  EXPECT_TRUE(Gate::turn_off());
  user.join();
  EXPECT_TRUE(none_timed_out());
  EXPECT_FALSE(Gate::is_on());
  let_exit();
}

// Its programs are taken away in an emergency: who waits still sees the end.
TEST_F(GateEnd, WaitOutlivesTheProgramsThatBeganIt) {
  load_with_endless_exit();
  EXPECT_TRUE(set_parameter("raceless", "gate_exit_ms", "60000"));
  EXPECT_TRUE(set_parameter("raceless", "gate_hold_ms", "60000"));
  const Unload unload;
  std::thread user([] {
    const int error = mount_gated();
    EXPECT_TRUE(error == 0 || error == ENODEV) << error;
  });
  EXPECT_TRUE(eventually([this] { return grown("waits") == 1; }));
  EXPECT_EQ(system(kRemovePins), 0);
  EXPECT_TRUE(eventually([] { return !is_traced("free_module"); }, kForPrograms));
  let_exit();
  user.join();
  EXPECT_FALSE(Gate::is_on());
  EXPECT_TRUE(Gate::turn_off());
}

// Its modprobe ends when all programs are gone, and nobody tells of it.
TEST_F(GateEnd, OffForgetsACallWhoseEndNobodySaw) {
  constexpr char kAsked[] = "/tmp/asked", kGo[] = "/tmp/go";
  const ModprobeLine line(
      fmt::format("install fs-raceless_nothing touch {}; while [ ! -e {} ]; do sleep 0.1; done; "
                  "false",
                  kAsked, kGo));
  // the registry itself forgets a call a minute after its time is up
  EXPECT_TRUE(set_parameter("raceless", "gate_hold_ms", "60000"));
  std::atomic<bool> ended{false}, leave{false};
  std::thread user([&] {
    EXPECT_EQ(mount_gated("raceless_nothing"), ENODEV);
    ended = true;
    while (!leave) usleep(1000);  // who exits is forgotten for that
  });
  EXPECT_TRUE(eventually([&] { return access(kAsked, F_OK) == 0; }));
  EXPECT_EQ(now("calls_now"), 1U);
  EXPECT_EQ(system(kRemovePins), 0);
  EXPECT_TRUE(eventually([] { return !is_traced("__x64_sys_mount"); }, kForPrograms));
  EXPECT_TRUE(write_file(kGo, ""));
  EXPECT_TRUE(eventually([&] { return ended.load(); }));
  EXPECT_EQ(now("calls_now"), 1U) << "its end was seen";
  EXPECT_TRUE(Gate::turn_off());
  EXPECT_EQ(now("calls_now"), 0U);
  leave = true;
  user.join();
  EXPECT_EQ(unlink(kAsked), 0);
  EXPECT_EQ(unlink(kGo), 0);
}

TEST_F(GateEnd, OnlyWhoMayUnloadModulesTurnsIt) {
  Result<Device> device = Device::open();
  ASSERT_TRUE(device);
  ASSERT_EQ(seteuid(65534), 0);
  const Status off = device->gate(false);
  ASSERT_EQ(seteuid(0), 0);
  ASSERT_FALSE(off);
  EXPECT_EQ(off.error().code, EPERM);
  EXPECT_TRUE(Gate::is_on());
}

TEST_F(GateEnd, OffLeavesGetsAlone) {
  EXPECT_TRUE(gets_are_traced());
  ASSERT_TRUE(Gate::turn_off());
  EXPECT_FALSE(gets_are_traced());
}

// Without `off` it is the module's exit that has to. The programs hold the module, and the kernel
// frees them one grace period after the other.
TEST_F(GateEnd, ExitLeavesGetsAlone) {
  ASSERT_EQ(system(kRemovePins), 0);
  EXPECT_TRUE(gets_are_traced());
  EXPECT_TRUE(eventually([] { return delete_module("raceless") == 0; }, kForPrograms));
  EXPECT_FALSE(gets_are_traced());
  ASSERT_EQ(load_module("raceless"), 0);
}

// Dozens of workers that wait for one mutex look hung on a slow machine.
TEST_F(GateEnd, OffFreesItsLinksOneAfterTheOther) {
  std::atomic<bool> stop{false};
  long most = 0;
  std::thread watcher([&] {
    while (!stop) most = std::max(most, nr_freeing_links());
  });
  EXPECT_TRUE(Gate::turn_off());
  stop = true;
  watcher.join();
  EXPECT_GE(most, 1) << "nobody was seen";
  EXPECT_LE(most, 5);
}

}  // namespace
}  // namespace raceless
