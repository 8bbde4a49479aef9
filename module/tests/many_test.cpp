// SPDX-License-Identifier: GPL-2.0
// Many names at once: RACELESS_IOC_UNLOAD_MANY, and modules that provide many.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>

#include "child.h"
#include "module_loader.h"
#include "registry.h"

namespace raceless {
namespace {

constexpr int kMany = RACELESS_MAX_HOLDS_PER_FD;

class Many : public Registry {
 protected:
  static void load(int names, const std::string& more = "") {
    ModprobeLine options("options raceless_probe nr=" + std::to_string(names) + " " + more);
    ASSERT_EQ(modprobe("raceless_probe"), 0);
  }

  static std::string probe(int i) { return "probe" + std::to_string(i); }

  static std::vector<std::string> probes(int nr) {
    std::vector<std::string> names;
    names.reserve(nr);
    for (int i = 0; i < nr; i++) names.push_back(probe(i));
    return names;
  }

  // How many the registry has waited for, of any name.
  static uint64_t grace_periods() { return StateFile::read()->histograms().at("grace_ns").count; }

  static int failures(const std::vector<NameUnloaded>& names) {
    return static_cast<int>(
        std::ranges::count_if(names, [](const NameUnloaded& name) { return name.error != 0; }));
  }
};

TEST_F(Many, ShareOneGracePeriod) {
  load(kMany);
  Device device = open();
  const uint64_t before = grace_periods();
  const auto names = device.unload_many(probes(kMany), kLong);
  ASSERT_EQ(code(names), 0);
  EXPECT_EQ(failures(*names), 0);
  EXPECT_EQ(grace_periods() - before, 1U);
  EXPECT_EQ(grown("to_draining"), uint64_t{kMany});
  EXPECT_EQ(names->at(kMany - 1).unloaded.owner, "raceless_probe");
  EXPECT_EQ(delete_module("raceless_probe"), 0);
  EXPECT_EQ(grace_periods() - before, 1U) << "they were down already";
}

TEST_F(Many, AreBoundedByTheHolds) {
  load(kMany + 1);
  Device device = open();
  EXPECT_EQ(code(device.unload_many(probes(kMany + 1), kLong)), EMFILE);
  EXPECT_EQ(code(device.unload_many({}, kLong)), EINVAL);
  EXPECT_EQ(grown("unloads"), 0U);
  ASSERT_EQ(code(device.unload(probe(kMany), kLong)), 0);
  const auto names = device.unload_many(probes(kMany), kLong);
  ASSERT_EQ(code(names), 0);
  EXPECT_EQ(failures(*names), 1);
  EXPECT_EQ(names->back().error, EMFILE) << "the descriptor holds as many as it may";
  EXPECT_EQ(state_of(probe(kMany - 1)), "live");
}

// One's module goes while the request waits for the other: what it frees is its report's.
TEST_F(Many, HoldThatEndsBeforeItsReport) {
  ASSERT_EQ(modprobe("raceless_sample_null"), 0);
  load(1);
  Device device = open(), user = open();
  const GetResult<Got> got = user.get(probe(0), kLong);
  ASSERT_EQ(code(got), 0);
  auto unload = std::async(std::launch::async, [&] {
    return device.unload_many({probe(0), "null"}, kLong);
  });
  ASSERT_TRUE(eventually([] { return state_of("null") == "gone"; }));
  EXPECT_EQ(delete_module("raceless_sample_null"), 0);
  EXPECT_EQ(state_of(probe(0)), "draining");
  EXPECT_EQ(state_of("null"), "gone");
  EXPECT_EQ(code(user.put(got->ref)), 0);
  const auto names = unload.get();
  ASSERT_EQ(code(names), 0);
  EXPECT_EQ(failures(*names), 0);
  EXPECT_EQ(names->back().unloaded.owner, "raceless_sample_null");
  EXPECT_TRUE(eventually([] { return state_of("null").empty(); }));
}

TEST_F(Many, ModuleThatGoesWaitsForOneGracePeriod) {
  for (const char* how : {"", "leave=1"}) {
    load(512, how);
    const uint64_t before = grace_periods();
    mark();
    EXPECT_EQ(delete_module("raceless_probe"), 0);
    EXPECT_EQ(grown("to_gone"), 512U) << how;
    EXPECT_EQ(grace_periods() - before, 1U) << how;
  }
}

TEST_F(Many, RequesterIsKilled) {
  load(8);
  Device user = open();
  const GetResult<Got> got = user.get(probe(3), kLong);
  ASSERT_EQ(code(got), 0);
  Child unloader([] {
    Device device = Device::open().value();
    return code(device.unload_many(probes(8), kLong));
  });
  ASSERT_TRUE(eventually([this] { return grown("to_gone") == 7; })) << "all but one";
  EXPECT_EQ(state_of(probe(3)), "draining");
  unloader.kill();
  EXPECT_EQ(code(open().get(probe(7), kLong)), 0) << "the name is dead";
  EXPECT_EQ(code(user.put(got->ref)), 0);
  EXPECT_EQ(code(open().get(probe(3), kLong)), 0) << "the name is dead";
}

// A small storm: every get of every name succeeds, whichever batch takes it down.
TEST_F(Many, GetsWhileTheyGo) {
  load(kMany);
  std::atomic<bool> stop = false;
  std::atomic<int> gets = 0;
  std::atomic<int> failed = 0;
  constexpr int kUsers = 4;
  std::vector<std::thread> users;
  users.reserve(kUsers);
  for (int first = 0; first < kUsers; first++)
    users.emplace_back([&, first] {
      Device device = Device::open().value();
      for (int i = first; !stop; i += 7) {
        const GetResult<Got> got = device.get(probe(i % kMany), kLong);
        if (!got || !device.put(got->ref)) failed++;
        gets++;
      }
    });
  for (int round = 0; round < 10; round++) {
    Device device = open();
    const auto names = device.unload_many(probes(kMany), kLong);
    EXPECT_EQ(code(names), 0);
    for (const NameUnloaded& name : *names)
      EXPECT_TRUE(name.error == 0 || name.error == ENOENT || name.error == EBUSY) << name.error;
  }
  const int before = gets;
  EXPECT_TRUE(eventually([&] { return gets > before + 16; }));
  stop = true;
  for (std::thread& user : users) user.join();
  EXPECT_EQ(failed, 0);
  EXPECT_GE(grown("unloads"), uint64_t{kMany});
}

}  // namespace
}  // namespace raceless
