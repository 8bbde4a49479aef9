// SPDX-License-Identifier: GPL-2.0
// Getting, using and putting references, through a descriptor and by name.
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <vector>

#include "module_loader.h"
#include "registry.h"

namespace raceless {
namespace {

class Reference : public Registry {};

std::vector<std::byte> text_of(size_t size) {
  std::vector<std::byte> text(size);
  for (size_t i = 0; i < size; i++) text[i] = static_cast<std::byte>("raceless"[i % 8] ^ (i >> 12));
  return text;
}

TEST_F(Reference, GetLoadsCallsAndPuts) {
  Device device = open();
  const GetResult<Got> got = device.get("null", kLong);
  ASSERT_EQ(code(got), 0);
  EXPECT_GT(got->grant.waited_ns, 0U);
  EXPECT_EQ(got->grant.publish, got->grant.joined + 1);
  const Result<Called> called = device.call(got->ref, RACELESS_NULL_OP_CHECK, {}, {});
  ASSERT_EQ(code(called), 0);
  EXPECT_EQ(called->grant.instance, got->grant.instance);
  EXPECT_EQ(column("null", "refs"), 1U);
  EXPECT_EQ(column("null", "instance"), got->grant.instance);
  EXPECT_EQ(code(device.put(got->ref)), 0);
  EXPECT_EQ(column("null", "refs"), 0U);
  EXPECT_EQ(code(device.put(got->ref)), EBADF);
  EXPECT_EQ(code(device.call(got->ref, RACELESS_NULL_OP_CHECK, {}, {})), EBADF);
}

TEST_F(Reference, SecondGetDoesNotWait) {
  Device device = open();
  const GetResult<Got> first = device.get("null", kLong), second = device.get("null", kLong);
  ASSERT_EQ(code(first), 0);
  ASSERT_EQ(code(second), 0);
  EXPECT_NE(first->ref, second->ref);
  EXPECT_EQ(second->grant.waited_ns, 0U);
  EXPECT_EQ(second->grant.joined, second->grant.publish);
  EXPECT_EQ(second->grant.instance, first->grant.instance);
  EXPECT_EQ(column("null", "refs"), 2U);
}

TEST_F(Reference, NowaitNeverLoads) {
  Device device = open();
  const GetResult<Got> absent = device.get("null", 0, RACELESS_GET_NOWAIT);
  EXPECT_EQ(code(absent), ENOENT);
  EXPECT_EQ(reason(absent), uint32_t{RACELESS_REASON_ABSENT});
  EXPECT_EQ(grown("flights"), 0U);
  ASSERT_EQ(modprobe("raceless_sample_null"), 0);
  EXPECT_EQ(code(device.get("null", 0, RACELESS_GET_NOWAIT)), 0);
  EXPECT_EQ(grown("get_failures_absent"), 1U);
}

TEST_F(Reference, CallByName) {
  Device device = open();
  const GetResult<Called> first =
      device.call_by_name("null", kLong, RACELESS_NULL_OP_CHECK, {}, {});
  ASSERT_EQ(code(first), 0);
  EXPECT_EQ(first->grant.publish, first->grant.joined + 1);
  const GetResult<Called> second =
      device.call_by_name("null", kLong, RACELESS_NULL_OP_CHECK, {}, {});
  ASSERT_EQ(code(second), 0);
  EXPECT_EQ(second->grant.instance, first->grant.instance);
  EXPECT_EQ(second->grant.waited_ns, 0U);
  EXPECT_EQ(column("null", "refs"), 0U);
  EXPECT_EQ(code(device.call_by_name("null", kLong, 99, {}, {})), EOPNOTSUPP);
}

TEST_F(Reference, CodecRoundTrip) {
  Device device = open();
  const GetResult<Got> got = device.get("codec", kLong);
  ASSERT_EQ(code(got), 0);
  for (size_t size : {size_t{1}, size_t{4096}, size_t{RACELESS_MAX_CALL_BYTES}}) {
    const std::vector<std::byte> in = text_of(size);
    std::vector<std::byte> small(RACELESS_MAX_CALL_BYTES), back(size);
    const Result<Called> packed = device.call(got->ref, RACELESS_CODEC_OP_COMPRESS, in, small);
    ASSERT_EQ(code(packed), 0) << size;
    const Result<Called> unpacked = device.call(got->ref, RACELESS_CODEC_OP_DECOMPRESS,
                                                std::span(small).first(packed->out_bytes), back);
    ASSERT_EQ(code(unpacked), 0) << size;
    EXPECT_EQ(unpacked->out_bytes, size);
    EXPECT_EQ(std::memcmp(in.data(), back.data(), size), 0) << size;
  }
  std::vector<std::byte> tight(8);
  EXPECT_EQ(code(device.call(got->ref, RACELESS_CODEC_OP_COMPRESS, text_of(4096), tight)), ENOSPC);
  std::vector<std::byte> room(4096);
  EXPECT_EQ(code(device.call(got->ref, RACELESS_CODEC_OP_DECOMPRESS, text_of(64), room)), EBADMSG);
}

TEST_F(Reference, PinsTheModule) {
  ASSERT_EQ(modprobe("raceless_sample_null"), 0);
  Device device = open();
  const GetResult<Got> got = device.get("null", kLong);
  ASSERT_EQ(code(got), 0);
  // Without a pin the module's exit would wait for us, and we for it.
  ASSERT_EQ(module_refcount("raceless_sample_null"), 1);
  EXPECT_EQ(delete_module("raceless_sample_null"), EWOULDBLOCK);
  EXPECT_EQ(code(device.put(got->ref)), 0);
  EXPECT_EQ(module_refcount("raceless_sample_null"), 0);
  EXPECT_EQ(delete_module("raceless_sample_null"), 0);
}

TEST_F(Reference, CloseDropsAll) {
  {
    Device device = open();
    for (int i = 0; i < 10; i++) ASSERT_EQ(code(device.get("null", kLong)), 0);
    EXPECT_EQ(column("null", "refs"), 10U);
  }
  EXPECT_EQ(column("null", "refs"), 0U);
  // the get was served from inside the module's init, which may still run: EBUSY
  EXPECT_TRUE(eventually([] { return delete_module("raceless_sample_null") == 0; }));
}

// What a caller did is what the totals say, once each, also when a get waits.
TEST_F(Reference, CountsAreThoseOfTheCaller) {
  constexpr uint64_t kRounds = 3;
  Device device = open();
  for (uint64_t i = 0; i < kRounds; i++) {
    Absence absence("null");
    auto wait = start_gets("null", 1);
    ASSERT_TRUE(eventually([] { return column("null", "waiters") == 1; }));
    absence.end();
    EXPECT_EQ(wait[0].get().code, 0);
    const GetResult<Got> got = device.get("null", kLong);
    ASSERT_EQ(code(got), 0);
    EXPECT_EQ(code(device.call(got->ref, RACELESS_NULL_OP_CHECK, {}, {})), 0);
    EXPECT_EQ(code(device.call_by_name("null", kLong, RACELESS_NULL_OP_CHECK, {}, {})), 0);
    EXPECT_EQ(code(device.put(got->ref)), 0);
    EXPECT_EQ(code(device.get("codec", 0, RACELESS_GET_NOWAIT)), ENOENT);
  }
  EXPECT_EQ(grown("waits"), kRounds);
  EXPECT_EQ(grown("handed_off"), kRounds);
  EXPECT_EQ(grown("gets"), 2 * kRounds);
  EXPECT_EQ(grown("puts"), 2 * kRounds);
  EXPECT_EQ(grown("calls"), kRounds);
  EXPECT_EQ(grown("calls_by_name"), kRounds);
  EXPECT_EQ(grown("get_failures_absent"), kRounds);
}

// A put in the middle of a call through the same reference is refused.
TEST_F(Reference, PutDuringCall) {
  ModprobeLine options("options raceless_sample_chaos call_ms=4000");
  Device device = open();
  const GetResult<Got> got = device.get("chaos", kLong);
  ASSERT_EQ(code(got), 0);
  std::atomic<pid_t> caller = 0;
  auto call = std::async(std::launch::async, [&] {
    caller = gettid();
    return code(device.call(got->ref, 0, {}, {}));
  });
  ASSERT_TRUE(eventually([&] { return caller && in_uninterruptible_sleep(caller); }));
  EXPECT_EQ(code(device.put(got->ref)), EBUSY);
  EXPECT_EQ(call.get(), 0);
  EXPECT_EQ(code(device.put(got->ref)), 0);
}

}  // namespace
}  // namespace raceless
