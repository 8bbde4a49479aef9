// SPDX-License-Identifier: GPL-2.0
// Crowds, and kills by the thousand: one modprobe for all, one error for all, and of those who are
// killed nothing is left: no reference, waiter, slot or memory, and no name is dead afterwards.
// KILLS in the environment says how many waits are killed, and a tenth as many unloads.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "allocations.h"
#include "child.h"
#include "module_loader.h"
#include "registry.h"
#include "throng.h"
#include "times.h"

namespace raceless {
namespace {

constexpr size_t kCrowd = 1000;
constexpr int kFewKills = 2'000;
constexpr int kBatch = 100;

// Lets modprobe of an alias stand until it is let go, then loads a module, or succeeds with
// nothing.
class SlowModprobe {
 public:
  SlowModprobe(const std::string& name, const std::string& module, const std::string& more = "")
      : line_("install raceless-" + name + " read go <" + kGate +
              (module.empty() ? "" : " && /sbin/modprobe " + module) + "\n" + more) {
    unlink(kGate);
    EXPECT_EQ(mkfifo(kGate, 0600), 0);
  }
  ~SlowModprobe() { unlink(kGate); }
  SlowModprobe(const SlowModprobe&) = delete;
  SlowModprobe& operator=(const SlowModprobe&) = delete;

  // Once for each modprobe that stands there, or will: opening waits for it.
  void let_go() { EXPECT_TRUE(write_file(kGate, "go\n")); }

 private:
  static constexpr char kGate[] = "/run/slow-modprobe";
  ModprobeLine line_;
};

class Crowd : public Registry {
 protected:
  struct Ends {
    std::atomic<size_t> served = 0, told = 0, other = 0;
  };

  static bool all_wait(const std::string& name, size_t nr) {
    return eventually([&] { return column(name, "waiters") == nr; });
  }

  // Each with a descriptor of its own, so that a thousand of them are charged, opened and closed.
  static void get_once(const std::string& name, int error, Ends& ends) {
    Device device = Device::open().value();
    const GetResult<Got> got = device.get(name, 10 * kLong);
    if (got && got->grant.publish == got->grant.joined + 1)
      ends.served++;
    else if (!got && code(got) == error)
      ends.told++;
    else
      ends.other++;
  }

  static int wait_for(const std::string& name) {
    return code(Device::open().value().get(name, 10 * kLong));
  }

  // Of the waits; half of them in a flight, half without. Whole batches.
  static int half_the_kills() {
    const int batches = std::max(times("KILLS", kFewKills) / 2 / kBatch, 1);
    return batches * kBatch;
  }

  static void kill_batch(const std::string& name) {
    std::vector<std::unique_ptr<Child>> getters;
    getters.reserve(kBatch);
    for (int i = 0; i < kBatch; i++)
      getters.push_back(std::make_unique<Child>([&] { return wait_for(name); }));
    ASSERT_TRUE(all_wait(name, kBatch));
    for (const auto& getter : getters) getter->signal();
    for (const auto& getter : getters) ASSERT_EQ(getter->status(), 128 + SIGKILL);
    ASSERT_EQ(column(name, "waiters"), 0U);
  }

  // The provider's module goes, no descriptor is open: no allocation may be left.
  static void expect_nothing_left() {
    EXPECT_TRUE(eventually([] { return delete_module("raceless_sample_null") == ENOENT; }));
    EXPECT_EQ(total("gets"), total("puts"));
    if (allocations_are_recorded()) {
      EXPECT_TRUE(eventually([] { return allocations().empty(); })) << allocations();
    }
  }
};

TEST_F(Crowd, OneModprobeForAThousand) {
  SlowModprobe modprobe("null", "raceless_sample_null");
  Ends ends;
  Throng throng(kCrowd, [&] { get_once("null", 0, ends); });
  ASSERT_EQ(throng.size(), kCrowd);
  EXPECT_TRUE(all_wait("null", kCrowd));
  modprobe.let_go();
  throng.join();
  EXPECT_EQ(ends.served, kCrowd);
  EXPECT_EQ(grown("modprobes"), 1U);
  EXPECT_EQ(grown("flights"), 1U);
  EXPECT_EQ(grown("handed_off"), kCrowd);
  EXPECT_EQ(grown("waits"), kCrowd);
}

TEST_F(Crowd, OneErrorForAThousand) {
  SlowModprobe modprobe("chaos", "raceless_sample_chaos",
                        "options raceless_sample_chaos fail_every=1");
  Ends ends;
  Throng throng(kCrowd, [&] { get_once("chaos", EIO, ends); });
  ASSERT_EQ(throng.size(), kCrowd);
  EXPECT_TRUE(all_wait("chaos", kCrowd));
  modprobe.let_go();
  throng.join();
  EXPECT_EQ(ends.told, kCrowd);
  EXPECT_EQ(grown("modprobes"), 1U);
  EXPECT_EQ(grown("flights"), 1U);
  EXPECT_EQ(grown("flight_errors"), 1U);
  EXPECT_EQ(grown("init_failures"), 1U);
  EXPECT_EQ(grown("get_failures_flight"), kCrowd);
}

TEST_F(Crowd, KilledWhileTheNameIsHeld) {
  const int kills = half_the_kills();
  {
    Absence absence("null");
    for (int killed = 0; killed < kills && !HasFailure(); killed += kBatch) kill_batch("null");
    EXPECT_EQ(grown("get_failures_killed"), static_cast<uint64_t>(kills));
    EXPECT_EQ(grown("flights"), 0U);
    absence.end();
  }
  EXPECT_EQ(wait_for("null"), 0);
  expect_nothing_left();
}

TEST_F(Crowd, KilledInAFlight) {
  const int kills = half_the_kills();
  SlowModprobe modprobe("null", "raceless_sample_null");
  for (int killed = 0; killed < kills && !HasFailure(); killed += kBatch) kill_batch("null");
  EXPECT_EQ(grown("get_failures_killed"), static_cast<uint64_t>(kills));
  EXPECT_EQ(grown("modprobes"), 1U) << "the flight goes on for whoever comes next";
  auto last = std::async(std::launch::async, [] { return wait_for("null"); });
  ASSERT_TRUE(all_wait("null", 1));
  modprobe.let_go();
  EXPECT_EQ(last.get(), 0);
  expect_nothing_left();
}

// Each get that follows has a new instance: the killed unloads went on, and no name is dead.
TEST_F(Crowd, UnloadersKilledInTheDrain) {
  const int kills = times("KILLS", kFewKills) / 10;
  for (int i = 0; i < kills && !HasFailure(); i++) {
    Device device = open();
    const GetResult<Got> got = device.get("null", kLong);
    ASSERT_EQ(code(got), 0) << i;
    Child unloader([] { return code(Device::open().value().unload("null", kLong)); });
    ASSERT_TRUE(eventually([] { return state_of("null") == "draining"; })) << i;
    unloader.kill();
    ASSERT_EQ(column("null", "held"), 0U) << i;
    ASSERT_EQ(code(device.put(got->ref)), 0);
  }
  EXPECT_EQ(wait_for("null"), 0);
  EXPECT_EQ(grown("to_gone"), static_cast<uint64_t>(kills));
  EXPECT_EQ(grown("flights_in_place"), static_cast<uint64_t>(kills));
  EXPECT_EQ(grown("modprobes"), 1U);
  expect_nothing_left();
}

}  // namespace
}  // namespace raceless
