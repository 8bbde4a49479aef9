// SPDX-License-Identifier: GPL-2.0
// Plain rmmod, providers that hold others or ask for themselves, and modules that break the rules.
#include <cerrno>
#include <filesystem>
#include <optional>

#include "child.h"
#include "module_loader.h"
#include "registry.h"
#include "text_file.h"

namespace raceless {
namespace {

// Somebody else's of the same module, in the kernel: it has the result of that one.
bool modprobe_waits_for_a_load() {
  std::error_code ignored;
  for (const auto& process : std::filesystem::directory_iterator("/proc", ignored)) {
    if (first_line(process.path() / "comm") != "modprobe") continue;
    const std::string stack = read_text(process.path() / "stack").value_or("");
    for (const char* wait : {"idempotent_", "load_module"})
      if (stack.find(wait) != std::string::npos) return true;
  }
  return false;
}

class Module : public Registry {
 protected:
  static int get(const std::string& name) {
    Device device = Device::open().value();
    return code(device.get(name, kLong));
  }
};

// A call by name does not pin the module: its exit waits for the call.
TEST_F(Module, RmmodWaitsForACall) {
  ModprobeLine options("options raceless_sample_chaos call_ms=4000");
  ASSERT_EQ(modprobe("raceless_sample_chaos"), 0);
  auto call = std::async(std::launch::async,
                         [this] { return code(open().call_by_name("chaos", kLong, 0, {}, {})); });
  ASSERT_TRUE(eventually([] { return column("chaos", "refs") == 1; }));
  EXPECT_EQ(module_refcount("raceless_sample_chaos"), 0);
  auto unload =
      std::async(std::launch::async, [] { return delete_module("raceless_sample_chaos"); });
  EXPECT_TRUE(eventually([] { return state_of("chaos") == "draining"; }));
  EXPECT_EQ(column("chaos", "refs"), 1U);
  EXPECT_EQ(call.get(), 0);
  EXPECT_EQ(unload.get(), 0);
  EXPECT_TRUE(eventually([] { return state_of("chaos").empty(); }));
}

TEST_F(Module, RmmodWhileAnUnloadDrains) {
  ModprobeLine options("options raceless_sample_chaos call_ms=4000 destroy_ms=50");
  ASSERT_EQ(modprobe("raceless_sample_chaos"), 0);
  auto call = std::async(std::launch::async,
                         [this] { return code(open().call_by_name("chaos", kLong, 0, {}, {})); });
  ASSERT_TRUE(eventually([] { return column("chaos", "refs") == 1; }));
  Device device = open();
  auto unload = std::async(std::launch::async, [&] { return code(device.unload("chaos", kLong)); });
  ASSERT_TRUE(eventually([] { return state_of("chaos") == "draining"; }));
  EXPECT_EQ(delete_module("raceless_sample_chaos"), 0);
  EXPECT_EQ(unload.get(), 0);
  EXPECT_EQ(call.get(), 0);
  EXPECT_EQ(grown("to_destroying"), 1U);
  EXPECT_EQ(grown("unloads"), 1U);
  EXPECT_EQ(code(device.release("chaos")), ENOENT) << "the hold went with the module";
}

// The exit of a module whose provider a worker destroys is not over before that.
TEST_F(Module, RmmodDuringSlowSteps) {
  ModprobeLine options("options raceless_sample_chaos stop_ms=1000 destroy_ms=1000");
  for (const char* state : {"stopping", "destroying"}) {
    ASSERT_EQ(modprobe("raceless_sample_chaos"), 0);
    Device device = open();
    auto unload =
        std::async(std::launch::async, [&] { return code(device.unload("chaos", kLong)); });
    ASSERT_TRUE(eventually([&] { return state_of("chaos") == state; }));
    EXPECT_EQ(delete_module("raceless_sample_chaos"), 0) << state;
    EXPECT_EQ(unload.get(), 0) << state;
  }
}

TEST_F(Module, InitThatAsksForItself) {
  ModprobeLine options("options raceless_sample_chaos ask_self=1");
  EXPECT_EQ(get("chaos"), 0) << "its init fails unless it was told EDEADLK";
  EXPECT_EQ(grown("get_failures_deadlock"), 1U);
  // Again in place, where the registry's worker runs it.
  {
    Device device = open();
    ASSERT_EQ(code(device.unload("chaos", kLong)), 0);
  }
  EXPECT_EQ(get("chaos"), 0);
  EXPECT_EQ(grown("get_failures_deadlock"), 2U);
  EXPECT_EQ(grown("flights_in_place"), 1U);
}

TEST_F(Module, ProviderHoldsAnother) {
  ModprobeLine options("options raceless_sample_chaos holds=null");
  ASSERT_EQ(get("chaos"), 0);
  EXPECT_EQ(column("null", "refs"), 1U);
  // gets are served from inside a module's init: its loader has a reference for a while
  EXPECT_TRUE(eventually([] { return module_refcount("raceless_sample_null") == 1; }));
  EXPECT_EQ(delete_module("raceless_sample_null"), EWOULDBLOCK);
  Device device = open();
  EXPECT_EQ(code(device.unload("null", 20 * kMillisecond)), ETIMEDOUT);
  EXPECT_TRUE(eventually([] { return state_of("null") == "draining"; }));
  EXPECT_TRUE(eventually([] { return delete_module("raceless_sample_chaos") == 0; }));
  EXPECT_TRUE(eventually([] { return state_of("null") == "gone"; }));
  EXPECT_EQ(delete_module("raceless_sample_null"), 0);
}

// Each init asks for the other: whoever closes the circle is told, and so both loads fail, now.
TEST_F(Module, InitsInACircle) {
  ModprobeLine options(
      "options raceless_sample_chaos holds=probe0\noptions raceless_probe asks=chaos");
  EXPECT_EQ(get("chaos"), EDEADLK);
  EXPECT_EQ(grown("get_failures_deadlock"), 1U);
  EXPECT_EQ(grown("get_failures_timeout"), 0U);
  EXPECT_TRUE(eventually([] {
    return module_state("raceless_sample_chaos") == ModuleState::absent &&
           module_state("raceless_probe") == ModuleState::absent;
  }));
}

TEST_F(Module, ProviderLeftByAnExit) {
  ModprobeLine options("options raceless_probe leave=1");
  ASSERT_EQ(modprobe("raceless_probe"), 0);
  EXPECT_EQ(delete_module("raceless_probe"), 0);
  EXPECT_TRUE(eventually([] { return state_of("probe0").empty(); }));
  EXPECT_EQ(grown("to_destroying"), 1U);
  EXPECT_EQ(get("probe0"), 0);
}

// A get may be served by a module whose init then fails: the reference is good until it is put.
TEST_F(Module, ProviderLeftByAFailedInit) {
  ModprobeLine options("options raceless_probe fail_after=6");
  {
    Device device = open();
    const GetResult<Got> got = device.get("probe0", kLong);
    ASSERT_EQ(code(got), 0);
    EXPECT_EQ(code(device.call(got->ref, 0, {}, {})), EOPNOTSUPP);
    EXPECT_TRUE(eventually([] { return state_of("probe0") == "draining"; }));
  }
  EXPECT_TRUE(eventually([] { return module_state("raceless_probe") == ModuleState::absent; }));
  EXPECT_TRUE(eventually([] { return state_of("probe0").empty(); })) << "its flight has landed";
}

// Who waits for an init whose loader is killed gets a load of its own, not the loader's EINTR.
TEST_F(Module, LoaderIsKilledInInit) {
  ModprobeLine options("options raceless_sample_chaos holds=null");
  Absence absence("null");
  Child loader([] {
    ModuleLoader modules = ModuleLoader::create().value();
    return modules.find("raceless_sample_chaos").value().load();
  });
  ASSERT_TRUE(eventually([] { return column("null", "waiters") == 1; })) << "in chaos' init";
  auto gets = start_gets("chaos", 4);
  ASSERT_TRUE(eventually([] { return column("chaos", "waiters") == 4; }));
  loader.kill();
  EXPECT_TRUE(eventually([] { return column("null", "waiters") == 1; })) << "in the second init";
  absence.end();
  for (auto& get : gets) {
    const Outcome outcome = get.get();
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(outcome.grant.publish, outcome.grant.joined + 1);
  }
}

// Not in a section of ours, either: it is killed before it registers.
TEST_F(Module, LoaderIsKilledBeforeItRegisters) {
  std::optional<ModprobeLine> options("options raceless_probe before_ms=120000");
  Child loader([] {
    ModuleLoader modules = ModuleLoader::create().value();
    return modules.find("raceless_probe").value().load();
  });
  ASSERT_TRUE(eventually([] { return module_state("raceless_probe") == ModuleState::coming; }));
  options.reset();
  auto gets = start_gets("probe0", 4);
  ASSERT_TRUE(eventually(modprobe_waits_for_a_load));
  loader.kill();
  for (auto& get : gets) EXPECT_EQ(get.get().code, 0);
}

// The module's own SRCU is there as long as anybody runs its code.
TEST_F(Module, CallInAProviderLeftByAFailedInit) {
  ModprobeLine options("options raceless_probe fail_after=6 leave=1 after_ms=1000 call_ms=3000");
  {
    Device device = open();
    const GetResult<Got> got = device.get("probe0", kLong);
    ASSERT_EQ(code(got), 0);
    EXPECT_EQ(code(device.call(got->ref, 0, {}, {})), 0);
  }
  EXPECT_TRUE(eventually([] { return module_state("raceless_probe") == ModuleState::absent; }));
  EXPECT_TRUE(eventually([] { return state_of("probe0").empty(); })) << "its flight has landed";
}

TEST_F(Module, SecondOfAName) {
  ASSERT_EQ(modprobe("raceless_sample_null"), 0);
  ModuleLoader loader = ModuleLoader::create().value();
  KernelModule module = loader.find("raceless_sample_null").value();
  EXPECT_EQ(module.load(), EEXIST);
}

}  // namespace
}  // namespace raceless
