// SPDX-License-Identifier: GPL-2.0
// Gets that wait: the hand-off, flights that fail, timeouts and kills.
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "child.h"
#include "module_loader.h"
#include "registry.h"

namespace raceless {
namespace {

constexpr int kCrowd = 64;
// After an unload of late, the failure of a load is confirmed by another (module/flight.c).
constexpr uint64_t kConfirmed = 1;

// The first modprobe of a module runs a command instead. In it is what a load that shares another's
// result would say: its own work is nothing that a test can make it not do.
class FirstModprobe {
 public:
  FirstModprobe(const std::string& module, const std::string& command)
      : line_("install " + module + " [ -e " + kMark + " ] && /sbin/modprobe --ignore-install " +
              module + " || { touch " + kMark + "; " + command + "; }") {}
  ~FirstModprobe() { EXPECT_EQ(unlink(kMark.c_str()), 0); }

  FirstModprobe(const FirstModprobe&) = delete;
  FirstModprobe& operator=(const FirstModprobe&) = delete;

 private:
  inline static const std::string kMark = "/tmp/first-modprobe";
  ModprobeLine line_;
};

class Wait : public Registry {
 protected:
  static bool all_wait(const std::string& name, int nr) {
    return eventually([&] { return column(name, "waiters") == static_cast<uint64_t>(nr); });
  }

  // Since v6.5 a load has the result of one of the same file that is under way.
  static bool loads_are_shared() {
    utsname name{};
    int major = 0;
    int minor = 0;
    return uname(&name) == 0 && sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
           std::pair(major, minor) >= std::pair(6, 5);
  }

  // Every get ended with this error, and the name has no waiters.
  static void expect_all(std::vector<std::future<Outcome>>& gets, int error) {
    for (auto& get : gets) {
      const Outcome outcome = get.get();
      EXPECT_EQ(outcome.code, error);
      EXPECT_EQ(outcome.reason, uint32_t{RACELESS_REASON_FLIGHT});
    }
  }

  // Through a descriptor of its own, whose close is the put.
  static int get_and_put(const std::string& name) {
    Device device = Device::open().value();
    return code(device.get(name, kLong));
  }
};

TEST_F(Wait, CrowdCostsOneModprobe) {
  Absence absence("null");
  auto gets = start_gets("null", kCrowd);
  ASSERT_TRUE(all_wait("null", kCrowd));
  calm();
  mark();
  absence.end();
  for (auto& get : gets) {
    const Outcome outcome = get.get();
    EXPECT_EQ(outcome.code, 0);
    EXPECT_GT(outcome.grant.waited_ns, 0U);
    EXPECT_EQ(outcome.grant.publish, outcome.grant.joined + 1);
  }
  EXPECT_EQ(grown("modprobes"), 1U);
  EXPECT_EQ(grown("flights"), 1U);
  EXPECT_EQ(grown("publishes"), 1U);
  EXPECT_EQ(grown("handed_off"), static_cast<uint64_t>(kCrowd));
  EXPECT_EQ(grown("waits"), static_cast<uint64_t>(kCrowd));
}

// Promise 3 in the small: who waited is drained by an unload that follows, and was not passed over.
TEST_F(Wait, CrowdIsServedInPlace) {
  Device holder = open();
  ASSERT_EQ(modprobe("raceless_sample_null"), 0);
  const Result<Unloaded> unloaded = holder.unload("null", kLong);
  ASSERT_EQ(code(unloaded), 0);
  auto gets = start_gets("null", kCrowd);
  ASSERT_TRUE(all_wait("null", kCrowd));
  mark();
  EXPECT_EQ(code(holder.release("null")), 0);
  for (auto& get : gets) {
    const Outcome outcome = get.get();
    EXPECT_EQ(outcome.code, 0);
    EXPECT_GT(outcome.grant.instance, unloaded->instance);
    EXPECT_EQ(outcome.grant.publish, outcome.grant.joined + 1);
  }
  EXPECT_EQ(grown("modprobes"), 0U);
  EXPECT_EQ(grown("flights_in_place"), 1U);
  EXPECT_EQ(grown("handed_off"), static_cast<uint64_t>(kCrowd));
}

TEST_F(Wait, FailingInitTellsEveryoneAtOnce) {
  Absence absence("chaos");
  ModprobeLine options("options raceless_sample_chaos fail_every=1");
  auto gets = start_gets("chaos", kCrowd);
  ASSERT_TRUE(all_wait("chaos", kCrowd));
  calm();
  mark();
  absence.end();
  expect_all(gets, EIO);
  EXPECT_EQ(grown("modprobes"), 1U);
  EXPECT_EQ(grown("flights"), 1U);
  EXPECT_EQ(grown("flight_errors"), 1U);
  EXPECT_EQ(grown("init_failures"), 1U);
  EXPECT_EQ(grown("get_failures_flight"), static_cast<uint64_t>(kCrowd));
  EXPECT_TRUE(module_state("raceless_sample_chaos") == ModuleState::absent);
}

TEST_F(Wait, FailingInitInPlace) {
  const std::string every = "/sys/module/raceless_sample_chaos/parameters/fail_every";
  Device holder = open();
  ASSERT_EQ(modprobe("raceless_sample_chaos"), 0);
  ASSERT_EQ(code(holder.unload("chaos", kLong)), 0);
  ASSERT_TRUE(write_file(every, "1"));
  auto gets = start_gets("chaos", kCrowd);
  ASSERT_TRUE(all_wait("chaos", kCrowd));
  mark();
  EXPECT_EQ(code(holder.release("chaos")), 0);
  expect_all(gets, EIO);
  EXPECT_EQ(grown("flights"), 1U);
  EXPECT_EQ(grown("init_failures"), 1U);
  // The module is still there, so the name is not dead.
  ASSERT_TRUE(write_file(every, "0"));
  EXPECT_EQ(get_and_put("chaos"), 0);
  EXPECT_EQ(grown("modprobes"), 0U);
}

// A pointer is made of an error in the end: one that is none must not become a reference.
TEST_F(Wait, InitThatReturnsNoErrno) {
  const std::string fails = "/sys/module/raceless_sample_null/parameters/fail";
  Device holder = open(), user = open();
  ASSERT_EQ(modprobe("raceless_sample_null"), 0);
  ASSERT_EQ(code(holder.unload("null", kLong)), 0);
  ASSERT_TRUE(write_file(fails, "-1"));
  auto gets = start_gets("null", 1);
  ASSERT_TRUE(all_wait("null", 1));
  EXPECT_EQ(code(holder.release("null")), 0);
  expect_all(gets, EINVAL);
  EXPECT_EQ(grown("init_failures"), 1U);
  ASSERT_TRUE(write_file(fails, "0"));
  EXPECT_EQ(code(user.get("null", kLong)), 0);
}

// The module's own end must not look like somebody else's unload, which would be tried again.
TEST_F(Wait, ModuleThatFailsBeforeItRegisters) {
  ModprobeLine options("options raceless_probe fail_before=6");
  calm();
  mark();
  EXPECT_EQ(get_and_put("probe0"), ENOENT);
  EXPECT_LE(grown("modprobe_retries"), kConfirmed);
}

TEST_F(Wait, MissingModule) {
  calm();
  mark();
  Device device = open();
  const GetResult<Got> got = device.get("no_such_provider", kLong);
  EXPECT_EQ(code(got), ENOENT);
  EXPECT_EQ(reason(got), uint32_t{RACELESS_REASON_FLIGHT});
  EXPECT_EQ(grown("modprobes"), 1 + grown("modprobe_retries"));
  EXPECT_LE(grown("modprobe_retries"), kConfirmed);
}

TEST_F(Wait, BlacklistIsHonoured) {
  {
    ModprobeLine blacklist("blacklist raceless_probe");
    calm();
    mark();
    EXPECT_EQ(get_and_put("probe0"), ENOENT);
    EXPECT_LE(grown("modprobe_retries"), kConfirmed);
    EXPECT_TRUE(module_state("raceless_probe") == ModuleState::absent);
  }
  EXPECT_EQ(get_and_put("probe0"), 0);
  {
    ModprobeLine blacklist("blacklist raceless_sample_codec");
    EXPECT_EQ(get_and_put("codec"), ENOENT);
  }
  EXPECT_EQ(get_and_put("codec"), 0);
}

// The flight's load had to share the result of one that began long before, and that an unload has
// spoilt; here modprobe itself plays it. Older kernels have each load do its own work.
TEST_F(Wait, LoadSpoiltBeforeTheFlight) {
  ASSERT_EQ(modprobe("raceless_sample_null"), 0);
  ASSERT_EQ(delete_module("raceless_sample_null"), 0);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  FirstModprobe first("raceless_sample_null", "false");
  mark();
  EXPECT_EQ(get_and_put("null"), loads_are_shared() ? 0 : ENOENT);
  EXPECT_EQ(grown("modprobe_retries"), loads_are_shared() ? 1U : 0U);
}

// The same, with one that had ended well before the flight began, and whose module has gone since.
TEST_F(Wait, LoadThatIsGoneBeforeTheFlight) {
  ASSERT_EQ(modprobe("raceless_sample_null"), 0);
  ASSERT_EQ(delete_module("raceless_sample_null"), 0);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  FirstModprobe first("raceless_sample_null", "true");
  mark();
  EXPECT_EQ(get_and_put("null"), loads_are_shared() ? 0 : ENOENT);
  EXPECT_EQ(grown("modprobe_retries"), loads_are_shared() ? 1U : 0U);
}

// The same, with one that failed for itself, before anybody asked for the name.
TEST_F(Wait, LoadThatFailedBeforeTheFlight) {
  // Until no unload of late could be the reason to try again (LONGEST_LOAD_NS of module/flight.c).
  if (loads_are_shared()) std::this_thread::sleep_for(std::chrono::milliseconds(10'200));
  {
    ModprobeLine options("options raceless_sample_chaos fail_every=1");
    ASSERT_NE(modprobe("raceless_sample_chaos"), 0);
  }
  FirstModprobe first("raceless_sample_null", "false");
  mark();
  EXPECT_EQ(get_and_put("null"), loads_are_shared() ? 0 : ENOENT);
  EXPECT_EQ(grown("modprobe_retries"), loads_are_shared() ? 1U : 0U);
}

// The success of a module request proves nothing.
TEST_F(Wait, ModprobeThatLoadsNothing) {
  ModprobeLine install("install raceless-pretended /bin/true");
  calm();
  mark();
  EXPECT_EQ(get_and_put("pretended"), ENOENT);
  EXPECT_EQ(grown("modprobes"), 1 + grown("modprobe_retries"));
  EXPECT_LE(grown("modprobe_retries"), kConfirmed);
}

// The module has unregistered, nobody knows the name, and a load would still fail with EBUSY.
TEST_F(Wait, ModuleThatTakesLongToGo) {
  ModprobeLine options("options raceless_probe exit_ms=2500");
  ASSERT_EQ(modprobe("raceless_probe"), 0);
  mark();
  auto unload = std::async(std::launch::async, [] { return delete_module("raceless_probe"); });
  ASSERT_TRUE(eventually([this] { return grown("to_gone") == 1; }));
  EXPECT_EQ(get_and_put("probe0"), 0);
  EXPECT_EQ(unload.get(), 0);
  EXPECT_EQ(grown("modprobes"), 1U) << "while it lasts, none is run";
}

// The same, and another module has had the name in the meantime.
TEST_F(Wait, ModuleThatTakesLongToGoAndIsOvertaken) {
  ModprobeLine options(
      "options raceless_probe first=null exit_ms=4000\n"
      "install raceless-null /sbin/modprobe raceless_probe");
  ASSERT_EQ(modprobe("raceless_probe"), 0);
  mark();
  auto unload = std::async(std::launch::async, [] { return delete_module("raceless_probe"); });
  ASSERT_TRUE(eventually([this] { return grown("to_gone") == 1; }));
  ASSERT_EQ(modprobe("raceless_sample_null"), 0);
  ASSERT_TRUE(eventually([] { return delete_module("raceless_sample_null") == 0; }));
  EXPECT_EQ(get_and_put("null"), 0);
  EXPECT_EQ(unload.get(), 0);
  // it is served while the module's init still runs
  EXPECT_TRUE(eventually([] { return module_state("raceless_probe") == ModuleState::live; }));
}

// modprobe meets a module that is going, of which the name's slot knows nothing.
TEST_F(Wait, LoadThatMeetsAnUnload) {
  // On a slow guest modprobe may come when the module has gone; on a fast one all its tries would
  // be over before a longer exit.
  for (int exit_ms = 400; exit_ms < 30'000 && grown("modprobe_retries") == 0; exit_ms *= 2) {
    ModprobeLine options("options raceless_probe exit_ms=" + std::to_string(exit_ms) +
                         "\ninstall raceless-other /sbin/modprobe raceless_probe");
    ASSERT_EQ(modprobe("raceless_probe"), 0);
    auto unload = std::async(std::launch::async, [] { return delete_module("raceless_probe"); });
    ASSERT_TRUE(eventually([] { return module_state("raceless_probe") != ModuleState::live; }));
    EXPECT_EQ(get_and_put("other"), ENOENT) << "in the end it loads, and registers another name";
    EXPECT_EQ(unload.get(), 0);
    EXPECT_TRUE(module_state("raceless_probe") == ModuleState::live);
  }
  EXPECT_GT(grown("modprobe_retries"), 0U);
}

TEST_F(Wait, GetsDuringUnloads) {
  for (int i = 0; i < 5; i++) {
    ASSERT_EQ(modprobe("raceless_sample_null"), 0);
    auto unload =
        std::async(std::launch::async, [] { return delete_module("raceless_sample_null"); });
    ASSERT_TRUE(eventually([] { return state_of("null") != "live"; }));
    EXPECT_EQ(get_and_put("null"), 0) << i;
    EXPECT_EQ(unload.get(), 0);
    ASSERT_TRUE(eventually([] { return delete_module("raceless_sample_null") == ENOENT; }));
  }
}

TEST_F(Wait, TimeoutLeavesNothing) {
  Absence absence("null");
  Device device = open();
  const GetResult<Got> got = device.get("null", 20 * kMillisecond);
  EXPECT_EQ(code(got), ETIMEDOUT);
  EXPECT_EQ(reason(got), uint32_t{RACELESS_REASON_TIMEOUT});
  const GetResult<Called> called =
      device.call_by_name("null", 20 * kMillisecond, RACELESS_NULL_OP_CHECK, {}, {});
  EXPECT_EQ(code(called), ETIMEDOUT);
  EXPECT_EQ(column("null", "waiters"), 0U);
  EXPECT_EQ(grown("get_failures_timeout"), 2U);
  absence.end();
  EXPECT_EQ(grown("handed_off"), 0U);
}

TEST_F(Wait, KilledLeavesNothing) {
  Absence absence("null");
  for (int i = 0; i < 50; i++) {
    Child getter([] { return get_and_put("null"); });
    ASSERT_TRUE(all_wait("null", 1));
    getter.kill();
    ASSERT_EQ(column("null", "waiters"), 0U) << i;
  }
  EXPECT_EQ(grown("get_failures_killed"), 50U);
  EXPECT_EQ(total("descriptors_opened"), total("descriptors_closed") + 1) << "one is the holder's";
  absence.end();
  EXPECT_EQ(get_and_put("null"), 0);
}

// Kills one of two at the moment of the publish, again and again: it has the reference or it has
// not, but never half.
TEST_F(Wait, KillRacesWithHandOff) {
  for (int i = 0; i < 15; i++) {
    Device holder = open();
    ASSERT_EQ(modprobe("raceless_sample_null"), 0);
    ASSERT_EQ(code(holder.unload("null", kLong)), 0);
    Child getter([] { return get_and_put("null"); });
    ASSERT_TRUE(all_wait("null", 1));
    ASSERT_EQ(code(holder.release("null")), 0);
    getter.kill();
    ASSERT_TRUE(eventually([] { return column("null", "refs") == 0; })) << i;
    ASSERT_EQ(column("null", "waiters"), 0U);
    ASSERT_TRUE(eventually([] { return delete_module("raceless_sample_null") == 0; }));
  }
}

}  // namespace
}  // namespace raceless
