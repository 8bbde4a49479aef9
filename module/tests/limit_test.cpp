// SPDX-License-Identifier: GPL-2.0
// Each bound: what is within it works, what is beyond it is an error at once.
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <thread>

#include "child.h"
#include "module_loader.h"
#include "registry.h"
#include "throng.h"

namespace raceless {
namespace {

class Limit : public Registry {};

TEST_F(Limit, ReferencesPerDescriptor) {
  Device device = open(), other = open();
  std::vector<uint32_t> refs;
  for (int i = 0; i < RACELESS_MAX_REFS_PER_FD; i++) {
    const GetResult<Got> got = device.get("null", kLong);
    ASSERT_EQ(code(got), 0) << i;
    refs.push_back(got->ref);
  }
  const GetResult<Got> beyond = device.get("null", kLong);
  EXPECT_EQ(code(beyond), EMFILE);
  EXPECT_EQ(reason(beyond), uint32_t{RACELESS_REASON_LIMIT});
  EXPECT_EQ(grown("get_failures_limit"), 1U);
  EXPECT_EQ(code(other.get("null", kLong)), 0) << "it is each descriptor's own";
  EXPECT_EQ(code(device.put(refs[500])), 0);
  const GetResult<Got> again = device.get("null", kLong);
  ASSERT_EQ(code(again), 0);
  EXPECT_EQ(again->ref, refs[500]);
  EXPECT_EQ(column("null", "refs"), RACELESS_MAX_REFS_PER_FD + 1U);
}

// Over all descriptors of a user: references, waits, calls by name and holds.
TEST_F(Limit, ChargesPerUser) {
  constexpr int kDescriptors = RACELESS_MAX_REFS_PER_USER / RACELESS_MAX_REFS_PER_FD;
  ASSERT_EQ(modprobe("raceless-codec"), 0);
  std::vector<Device> devices;
  for (int i = 0; i < kDescriptors; i++) {
    devices.push_back(open());
    for (int ref = 0; ref < RACELESS_MAX_REFS_PER_FD; ref++)
      ASSERT_EQ(code(devices.back().get("null", kLong)), 0) << i << ": " << ref;
  }
  Device beyond = open();
  const GetResult<Got> got = beyond.get("null", kLong);
  EXPECT_EQ(code(got), EDQUOT);
  EXPECT_EQ(reason(got), uint32_t{RACELESS_REASON_LIMIT});
  const GetResult<Called> called =
      beyond.call_by_name("null", kLong, RACELESS_NULL_OP_CHECK, {}, {});
  EXPECT_EQ(code(called), EDQUOT);
  EXPECT_EQ(reason(called), uint32_t{RACELESS_REASON_LIMIT});
  EXPECT_EQ(code(beyond.unload("codec", kLong)), EDQUOT);
  EXPECT_EQ(state_of("codec"), "live");
  EXPECT_EQ(grown("get_failures_limit"), 2U);
  devices.pop_back();
  // Gets that fail give back what they were charged.
  for (int ref = 0; ref < RACELESS_MAX_REFS_PER_FD; ref++)
    ASSERT_EQ(code(beyond.get("absent", 0, RACELESS_GET_NOWAIT)), ENOENT) << ref;
  EXPECT_EQ(code(beyond.get("null", kLong)), 0);
}

// A get that waits has its number already.
TEST_F(Limit, AWaitingGetIsCounted) {
  Device device = open();
  for (int i = 0; i < RACELESS_MAX_REFS_PER_FD - 1; i++)
    ASSERT_EQ(code(device.get("null", kLong)), 0);
  Absence absence("chaos");
  auto wait = std::async(std::launch::async, [&] { return code(device.get("chaos", kLong)); });
  ASSERT_TRUE(eventually([] { return column("chaos", "waiters") == 1; }));
  EXPECT_EQ(code(device.get("null", kLong)), EMFILE);
  absence.end();
  EXPECT_EQ(wait.get(), 0);
}

TEST_F(Limit, HoldsPerDescriptor) {
  ModprobeLine options("options raceless_probe nr=70");
  ASSERT_EQ(modprobe("raceless_probe"), 0);
  Device device = open(), other = open();
  for (int i = 0; i < RACELESS_MAX_HOLDS_PER_FD; i++)
    ASSERT_EQ(code(device.unload("probe" + std::to_string(i), kLong)), 0) << i;
  EXPECT_EQ(code(device.unload("probe64", kLong)), EMFILE);
  EXPECT_EQ(state_of("probe64"), "live");
  EXPECT_EQ(code(other.unload("probe64", kLong)), 0);
  EXPECT_EQ(code(device.release("probe7")), 0);
  EXPECT_EQ(code(device.unload("probe65", kLong)), 0);
}

// The errno of a load; modprobe(8) does not tell it.
int load(const std::string& name, const std::string& options) {
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return loader.error().code;
  Result<KernelModule> module = loader->find(name);
  if (!module) return module.error().code;
  return code(module->load_with_dependencies(options));
}

// Each unload that waits for a reference has a worker, and none may wait for a worker. They are all
// users' together. A replacement needs one too, for its predecessor; what needs none goes on.
TEST_F(Limit, UnloadsThatWaitForReferences) {
  constexpr int kMost = RACELESS_MAX_TEARDOWNS;
  ModprobeLine options("options raceless_probe nr=" + std::to_string(kMost + 1));
  ASSERT_EQ(modprobe("raceless_probe"), 0);
  ASSERT_EQ(modprobe("raceless_sample_null"), 0);
  const auto replace = [] { return load("raceless_sample_null_next", "replace=1"); };
  const std::string beyond = "probe" + std::to_string(kMost);
  std::vector<Device> devices;
  {
    Device holder = open();
    for (int i = 0; i < kMost; i++) {
      const std::string name = "probe" + std::to_string(i);
      ASSERT_EQ(code(holder.get(name, kLong)), 0) << name;
      if (i % RACELESS_MAX_HOLDS_PER_FD == 0) devices.push_back(open());
      ASSERT_EQ(code(devices.back().unload(name, kMillisecond)), ETIMEDOUT) << name;
    }
    devices.push_back(open());
    EXPECT_EQ(code(devices.back().unload(beyond, kLong)), EAGAIN);
    EXPECT_EQ(code(devices.back().unload_many({beyond}, kLong)), EAGAIN);
    EXPECT_EQ(state_of(beyond), "live");
    EXPECT_EQ(code(holder.get(beyond, 0, RACELESS_GET_NOWAIT)), 0);
    // one that went through could not end while this thread holds the references
    ASSERT_EQ(replace(), EAGAIN);
    EXPECT_EQ(state_of("null"), "live");
    EXPECT_EQ(grown("replacements"), 0U);
    EXPECT_EQ(delete_module("raceless_sample_null"), 0) << "rmmod tears down by itself";
    EXPECT_EQ(code(open().get("null", kLong)), 0);
  }
  EXPECT_TRUE(eventually([&] { return code(devices.back().unload(beyond, kLong)) == 0; }));
  EXPECT_TRUE(eventually([&] { return replace() == 0; }));
  EXPECT_EQ(grown("replacements"), 1U);
  EXPECT_TRUE(eventually([] { return delete_module("raceless_sample_null_next") == 0; }));
}

TEST_F(Limit, CallBytes) {
  Device device = open();
  std::vector<std::byte> large(RACELESS_MAX_CALL_BYTES + 1), small(16);
  EXPECT_EQ(code(device.call_by_name("null", kLong, RACELESS_NULL_OP_CHECK, large, {})), EMSGSIZE);
  EXPECT_EQ(code(device.call_by_name("null", kLong, RACELESS_NULL_OP_CHECK, {}, large)), EMSGSIZE);
  EXPECT_EQ(grown("flights"), 0U);
  large.pop_back();
  EXPECT_EQ(code(device.call_by_name("null", kLong, RACELESS_NULL_OP_CHECK, large, large)), 0);
}

// A user who is not root: the errno with which a get of the name ends there.
int get_as_nobody(const std::string& name) {
  Child child([&name] {
    if (setuid(65534) != 0) return -1;
    Device device = Device::open().value();
    return code(device.get(name, kLong));
  });
  return child.status();
}

// 4,096 wait for one name; the next is refused; one publish serves them all. The bound is the
// name's: nobody else can wait for it meanwhile, and who wants another name knows nothing of it.
TEST_F(Limit, WaitersPerName) {
  constexpr int kBeyond = 8;
  constexpr size_t kCrowd = RACELESS_MAX_WAITERS + kBeyond;
  ASSERT_TRUE(write_file("/proc/sys/kernel/threads-max", "16384"));
  ASSERT_EQ(chmod(RACELESS_DEVICE, 0666), 0);
  ASSERT_EQ(modprobe("raceless-codec"), 0);
  mark();
  Absence absence("null");
  Device device = open();
  std::atomic<int> served = 0, refused = 0, failed = 0;
  Throng throng(kCrowd, [&] {
    const GetResult<Called> called =
        device.call_by_name("null", 10 * kLong, RACELESS_NULL_OP_CHECK, {}, {});
    if (called && called->grant.publish == called->grant.joined + 1)
      served++;
    else if (code(called) == EAGAIN && reason(called) == RACELESS_REASON_LIMIT)
      refused++;
    else
      failed++;
  });
  ASSERT_EQ(throng.size(), kCrowd);
  EXPECT_TRUE(eventually([&] { return refused == kBeyond; })) << refused;
  EXPECT_EQ(column("null", "waiters"), uint64_t{RACELESS_MAX_WAITERS});
  EXPECT_EQ(get_as_nobody("null"), EAGAIN) << "of another user, who waits for nothing";
  EXPECT_EQ(get_as_nobody("codec"), 0);
  EXPECT_EQ(code(open().get("codec", kLong)), 0);
  absence.end();
  throng.join();
  EXPECT_EQ(chmod(RACELESS_DEVICE, 0600), 0);
  EXPECT_EQ(served, RACELESS_MAX_WAITERS);
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(grown("handed_off"), uint64_t{RACELESS_MAX_WAITERS});
  EXPECT_EQ(grown("get_failures_limit"), uint64_t{kBeyond + 1});
}

// Of the 50 modprobes that the kernel runs at once flights have 16; the next one has to wait until
// one of these has ended. Here each modprobe waits for a file, its own or that of all.
TEST_F(Limit, FlightsAtOnce) {
  constexpr int kAtOnce = 16;  // MAX_MODPROBES of module/places.c
  const std::string landing = "/tmp/landing";
  std::string lines;
  for (int i = 0; i <= kAtOnce; i++)
    lines += fmt::format(
        "install raceless-far{0} while [ ! -e {1} ] && [ ! -e {1}{0} ]; do sleep 1; done\n", i,
        landing);
  const ModprobeLine install(lines);
  ASSERT_EQ(modprobe("raceless_sample_null"), 0);
  mark();
  std::vector<std::future<Outcome>> gets;
  gets.reserve(kAtOnce + 1);
  for (int i = 0; i < kAtOnce; i++)
    gets.push_back(std::move(start_gets("far" + std::to_string(i), 1, 3 * kLong).front()));
  EXPECT_TRUE(eventually([this] { return grown("modprobes") == kAtOnce; }));
  // One that stands in the line, and lands when nobody waits for it any more; one that stays.
  EXPECT_EQ(code(open().get("codec", 500 * kMillisecond)), ETIMEDOUT);
  EXPECT_TRUE(eventually([] { return column("codec", "flying") == 0; }));
  gets.push_back(std::move(start_gets("far" + std::to_string(kAtOnce), 1, 3 * kLong).front()));
  EXPECT_TRUE(eventually([this] { return grown("flights") == kAtOnce + 2; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(grown("modprobes"), uint64_t{kAtOnce}) << grown("modprobe_retries");
  // Who needs no modprobe, and who asks the kernel for a module, has none of that.
  EXPECT_EQ(code(open().get("null", kLong)), 0);
  EXPECT_EQ(code(open().unload("null", kLong)), 0);
  EXPECT_EQ(code(open().get("null", kLong / 3)), 0) << "its init alone is called";
  EXPECT_EQ(mount("none", "/tmp", "raceless_unknown", 0, nullptr), -1);
  EXPECT_EQ(errno, ENODEV);
  // Nor does one whose name somebody else has brought: its flight lands at once.
  auto probe = std::move(start_gets("probe0", 1).front());
  EXPECT_TRUE(eventually([] { return column("probe0", "waiters") == 1; }));
  EXPECT_EQ(load("raceless_probe", "nr=1"), 0);
  EXPECT_EQ(probe.get().code, 0);
  EXPECT_EQ(code(open().unload("probe0", kLong / 3)), 0);
  // A place that is free is for the first.
  EXPECT_TRUE(write_file(landing + "0", ""));
  EXPECT_TRUE(eventually([this] { return grown("modprobes") == kAtOnce + 1; }));
  EXPECT_TRUE(write_file(landing, ""));
  for (auto& get : gets) {
    const Outcome outcome = get.get();
    EXPECT_EQ(outcome.code, ENOENT);
    EXPECT_EQ(outcome.reason, uint32_t{RACELESS_REASON_FLIGHT});
  }
  EXPECT_EQ(unlink(landing.c_str()), 0);
  EXPECT_EQ(unlink((landing + "0").c_str()), 0);
  EXPECT_EQ(code(open().get("codec", kLong)), 0);
}

// Others unload what its modprobe loads, each time that it tries: here it does so itself.
TEST_F(Limit, TriesOfAFlight) {
  constexpr int kTries = 10;  // MAX_TRIES of module/flight.c
  const ModprobeLine install(
      "install raceless-unlucky /sbin/modprobe raceless_sample_chaos && /sbin/rmmod "
      "raceless_sample_chaos; false");
  ASSERT_EQ(modprobe("raceless_sample_null"), 0);
  mark();
  auto gets = start_gets("unlucky", 2, 10 * kLong);
  EXPECT_TRUE(eventually([this] { return grown("modprobe_retries") >= 1; }));
  EXPECT_EQ(code(open().get("null", kLong)), 0);
  for (auto& get : gets) {
    const Outcome outcome = get.get();
    EXPECT_EQ(outcome.code, EBUSY);
    EXPECT_EQ(outcome.reason, uint32_t{RACELESS_REASON_FLIGHT});
  }
  EXPECT_EQ(grown("modprobe_retries"), uint64_t{kTries - 1});
  EXPECT_EQ(grown("modprobes"), uint64_t{kTries});
}

// Inits that ask for each other. Whoever would close a circle of 64 names is told so, and with that
// all of them fail; a longer one is not seen, and ends with the first one's time.
TEST_F(Limit, NamesInACircle) {
  constexpr int kLongest = 64;  // MAX_CHAIN of module/wait.c
  const auto circle = [](int names, int ask_ms) {
    return load("raceless_probe",
                "circle=1 nr=" + std::to_string(names) + " ask_ms=" + std::to_string(ask_ms));
  };
  ASSERT_EQ(modprobe("raceless_sample_null"), 0);
  mark();
  EXPECT_EQ(circle(kLongest, 20'000), EDEADLK);
  EXPECT_EQ(grown("get_failures_deadlock"), 1U);
  EXPECT_EQ(grown("get_failures_flight"), uint64_t{kLongest - 1});
  EXPECT_EQ(grown("waits"), uint64_t{kLongest - 1});
  mark();
  auto longer = std::async(std::launch::async, [&circle] { return circle(kLongest + 1, 6000); });
  EXPECT_TRUE(eventually([] { return column("probe0", "waiters") == 1; }));
  EXPECT_EQ(code(open().get("null", kLong)), 0);
  EXPECT_EQ(longer.get(), ETIMEDOUT);
  EXPECT_EQ(grown("get_failures_deadlock"), 0U);
  EXPECT_GE(grown("get_failures_timeout"), 1U);
  EXPECT_EQ(grown("waits"), uint64_t{kLongest + 1});
  EXPECT_EQ(modprobe("raceless_probe"), 0);
  EXPECT_EQ(code(open().get("probe0", kLong)), 0);
}

}  // namespace
}  // namespace raceless
