// SPDX-License-Identifier: GPL-2.0
// RACELESS_IOC_UNLOAD and what follows: holds, their ends, and the unloads that are in the way.
#include <unistd.h>

#include <cerrno>

#include "child.h"
#include "module_loader.h"
#include "registry.h"

namespace raceless {
namespace {

class Unload : public Registry {
 protected:
  void SetUp() override {
    Registry::SetUp();
    ASSERT_EQ(modprobe("raceless_sample_null"), 0);
  }

  static int get(Device& device, uint32_t flags = 0) {
    return code(device.get("null", kLong, flags));
  }

  static bool drains() {
    return eventually([] { return state_of("null") == "draining"; });
  }
};

TEST_F(Unload, SaysWhatItDid) {
  Device device = open();
  const uint64_t instance = column("null", "instance");
  const Result<Unloaded> unloaded = device.unload("null", kLong);
  ASSERT_EQ(code(unloaded), 0);
  EXPECT_EQ(unloaded->owner, "raceless_sample_null");
  EXPECT_EQ(unloaded->instance, instance);
  EXPECT_GT(unloaded->grace_ns, 0U);
  EXPECT_EQ(state_of("null"), "gone");
  EXPECT_EQ(column("null", "held"), 1U);
  for (const char* state : {"to_stopping", "to_draining", "to_destroying", "to_gone"})
    EXPECT_EQ(grown(state), 1U) << state;
  EXPECT_EQ(code(device.unload("null", kLong)), EBUSY) << "held already";
  EXPECT_EQ(code(device.unload("no_such_provider", kLong)), ENOENT);
}

TEST_F(Unload, ReleaseBringsItBackInPlace) {
  Device device = open(), other = open();
  const Result<Unloaded> unloaded = device.unload("null", kLong, RACELESS_UNLOAD_POLITE);
  ASSERT_EQ(code(unloaded), 0);
  EXPECT_EQ(get(other, RACELESS_GET_NOWAIT), ENOENT);
  EXPECT_EQ(code(other.release("null")), ENOENT) << "it is not its own";
  EXPECT_EQ(code(device.release("null")), 0);
  EXPECT_EQ(code(device.release("null")), ENOENT) << "once";
  EXPECT_EQ(get(other, RACELESS_GET_NOWAIT), ENOENT) << "nobody asked for it yet";
  const GetResult<Got> got = other.get("null", kLong);
  ASSERT_EQ(code(got), 0);
  EXPECT_GT(got->grant.instance, unloaded->instance);
  EXPECT_EQ(grown("flights_in_place"), 1U);
  EXPECT_EQ(grown("modprobes"), 0U);
  EXPECT_EQ(code(other.call(got->ref, RACELESS_NULL_OP_CHECK, {}, {})), 0);
}

TEST_F(Unload, CloseEndsTheHold) {
  Device other = open();
  {
    Device device = open();
    ASSERT_EQ(code(device.unload("null", kLong)), 0);
  }
  EXPECT_EQ(column("null", "held"), 0U);
  EXPECT_EQ(get(other), 0);
}

TEST_F(Unload, KillEndsTheHold) {
  Child holder([] {
    Device device = Device::open().value();
    if (code(device.unload("null", kLong, RACELESS_UNLOAD_HOLD)) != 0) return 1;
    pause();
    return 0;
  });
  ASSERT_TRUE(eventually([] { return column("null", "held") && state_of("null") == "gone"; }));
  auto gets = start_gets("null", 4);
  ASSERT_TRUE(eventually([] { return column("null", "waiters") == 4; }));
  holder.kill();
  for (auto& one : gets) EXPECT_EQ(one.get().code, 0);
}

// The hold ends when the module is gone, and then the name is loaded anew.
TEST_F(Unload, DeleteEndsTheHold) {
  Device device = open();
  const Result<Unloaded> unloaded = device.unload("null", kLong);
  ASSERT_EQ(code(unloaded), 0);
  auto gets = start_gets("null", 4);
  ASSERT_TRUE(eventually([] { return column("null", "waiters") == 4; }));
  EXPECT_EQ(delete_module(unloaded->owner), 0);
  for (auto& one : gets) EXPECT_EQ(one.get().code, 0);
  EXPECT_EQ(code(device.release("null")), ENOENT);
  EXPECT_EQ(grown("flights_in_place"), 0U);
}

// Nothing refers to the name any more, though the descriptor that took it down stays open.
TEST_F(Unload, HoldThatEndedByItselfIsFreed) {
  Device device = open(), other = open();
  ASSERT_EQ(code(device.unload("null", kLong)), 0);
  EXPECT_EQ(state_of("null"), "gone");
  ASSERT_EQ(delete_module("raceless_sample_null"), 0);
  EXPECT_TRUE(eventually([] { return state_of("null").empty(); })) << "the module went";

  ASSERT_EQ(modprobe("raceless_sample_null"), 0);
  ASSERT_EQ(code(device.unload("null", kLong, RACELESS_UNLOAD_REPLACE)), 0);
  ASSERT_EQ(code(other.get("null", kMillisecond)), ETIMEDOUT);
  ASSERT_EQ(delete_module("raceless_sample_null"), 0);
  EXPECT_EQ(column("null", "held"), 1U);
  ASSERT_EQ(modprobe("raceless_sample_null_next"), 0);
  ASSERT_EQ(delete_module("raceless_sample_null_next"), 0);
  EXPECT_TRUE(eventually([] { return state_of("null").empty(); }))
      << "another module had brought it back";
}

TEST_F(Unload, ExplicitHoldOutlivesTheModule) {
  Device device = open(), other = open();
  ASSERT_EQ(code(device.unload("null", kLong, RACELESS_UNLOAD_HOLD)), 0);
  ASSERT_EQ(delete_module("raceless_sample_null"), 0);
  EXPECT_EQ(column("null", "held"), 1U);
  ModuleLoader loader = ModuleLoader::create().value();
  KernelModule module = loader.find("raceless_sample_null").value();
  EXPECT_EQ(module.load(), EBUSY) << "a name that is held down";
  EXPECT_EQ(code(other.unload("null", kLong)), EBUSY);
  EXPECT_EQ(code(other.get("null", 20 * kMillisecond)), ETIMEDOUT);
  EXPECT_EQ(code(device.release("null")), 0);
  EXPECT_EQ(module.load(), 0);
  EXPECT_EQ(get(other), 0);
}

TEST_F(Unload, OfWhatOneHoldsIsADeadlock) {
  Device device = open(), other = open();
  const GetResult<Got> got = device.get("null", kLong);
  ASSERT_EQ(code(got), 0);
  EXPECT_EQ(code(device.unload("null", kLong)), EDEADLK);
  EXPECT_EQ(state_of("null"), "live");
  EXPECT_EQ(code(device.put(got->ref)), 0);
  EXPECT_EQ(code(device.unload("null", kLong)), 0);
}

TEST_F(Unload, OneUnloaderAtATime) {
  Device user = open(), first = open(), second = open();
  const GetResult<Got> got = user.get("null", kLong);
  ASSERT_EQ(code(got), 0);
  auto unload = std::async(std::launch::async, [&] { return code(first.unload("null", kLong)); });
  ASSERT_TRUE(drains());
  EXPECT_EQ(code(second.unload("null", kLong)), EBUSY);
  EXPECT_EQ(code(first.release("null")), EBUSY) << "its unload waits";
  EXPECT_EQ(get(second, RACELESS_GET_NOWAIT), ENOENT);
  EXPECT_EQ(code(user.call(got->ref, RACELESS_NULL_OP_CHECK, {}, {})), 0) << "it is not destroyed";
  EXPECT_EQ(code(user.put(got->ref)), 0);
  EXPECT_EQ(unload.get(), 0);
  EXPECT_EQ(column("null", "refs"), 0U);
}

// The unload goes on without its requester.
TEST_F(Unload, TimeoutInTheDrain) {
  Device user = open(), device = open();
  const GetResult<Got> got = user.get("null", kLong);
  ASSERT_EQ(code(got), 0);
  EXPECT_EQ(code(device.unload("null", 20 * kMillisecond)), ETIMEDOUT);
  EXPECT_TRUE(eventually([] { return state_of("null") == "draining"; }));
  EXPECT_EQ(column("null", "held"), 1U);
  EXPECT_EQ(code(user.put(got->ref)), 0);
  EXPECT_TRUE(eventually([] { return state_of("null") == "gone"; }));
  EXPECT_EQ(code(device.release("null")), 0);
  EXPECT_EQ(get(user), 0);
}

TEST_F(Unload, KillInTheDrain) {
  for (int i = 0; i < 20; i++) {
    Device user = open(), other = open();
    const GetResult<Got> got = user.get("null", kLong);
    ASSERT_EQ(code(got), 0);
    Child unloader([] {
      Device device = Device::open().value();
      return code(device.unload("null", kLong));
    });
    ASSERT_TRUE(drains());
    unloader.kill();
    EXPECT_EQ(column("null", "held"), 0U);
    EXPECT_EQ(state_of("null"), "draining");
    EXPECT_EQ(code(user.put(got->ref)), 0);
    EXPECT_EQ(get(other), 0) << "the name is dead";
  }
}

// An unload ends after the flight that brought the instance: until then it may pin the module.
TEST_F(Unload, EndsAfterTheFlight) {
  ASSERT_EQ(delete_module("raceless_sample_null"), 0);
  ModprobeLine slow(
      "install raceless_sample_null /sbin/modprobe --ignore-install raceless_sample_null; sleep 4");
  Device user = open(), device = open();
  const GetResult<Got> got = user.get("null", kLong);
  ASSERT_EQ(code(got), 0);
  EXPECT_EQ(column("null", "flying"), 1U) << "modprobe still runs";
  EXPECT_EQ(code(user.put(got->ref)), 0);
  EXPECT_EQ(code(device.unload("null", kLong)), 0);
  EXPECT_EQ(column("null", "flying"), 0U);
  EXPECT_EQ(delete_module("raceless_sample_null"), 0);
}

TEST_F(Unload, ModuleCanBeDeletedAtOnce) {
  for (int i = 0; i < 6; i++) {
    auto gets = start_gets("null", 4);
    Device device = open();
    ASSERT_TRUE(eventually([&] { return code(device.unload("null", kLong)) == 0; }));
    if (i % 3 != 0) {
      ASSERT_EQ(delete_module("raceless_sample_null"), 0) << i;
    } else {
      ASSERT_EQ(code(device.release("null")), 0) << i;
    }
    for (auto& one : gets) EXPECT_EQ(one.get().code, 0);
  }
}

TEST_F(Unload, NeedsTheCapability) {
  Child plain([] {
    Device device = Device::open().value();
    if (setuid(65534) != 0) return 99;
    return code(device.unload("null", kLong));
  });
  EXPECT_EQ(plain.status(), EPERM);
  EXPECT_EQ(state_of("null"), "live");
}

}  // namespace
}  // namespace raceless
