// SPDX-License-Identifier: GPL-2.0
// Each bound: what is within it works, what is beyond it is an error at once.
#include <atomic>
#include <cerrno>

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

// Each unload that waits for a reference has a worker, and none may wait for a worker.
TEST_F(Limit, UnloadsThatWaitForReferences) {
  constexpr int kMost = RACELESS_MAX_TEARDOWNS;
  ModprobeLine options("options raceless_probe nr=" + std::to_string(kMost + 1));
  ASSERT_EQ(modprobe("raceless_probe"), 0);
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
  }
  EXPECT_TRUE(eventually([&] { return code(devices.back().unload(beyond, kLong)) == 0; }));
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

// 4,096 wait for one name; the next is refused; one publish serves them all.
TEST_F(Limit, WaitersPerName) {
  constexpr int kBeyond = 8;
  constexpr size_t kCrowd = RACELESS_MAX_WAITERS + kBeyond;
  ASSERT_TRUE(write_file("/proc/sys/kernel/threads-max", "16384"));
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
  absence.end();
  throng.join();
  EXPECT_EQ(served, RACELESS_MAX_WAITERS);
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(grown("handed_off"), uint64_t{RACELESS_MAX_WAITERS});
  EXPECT_EQ(grown("get_failures_limit"), uint64_t{kBeyond});
}

}  // namespace
}  // namespace raceless
