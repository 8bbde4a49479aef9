// SPDX-License-Identifier: GPL-2.0
// Every allocation that the registry makes fails once, in turn, in everything that a user can ask
// of it: an error, nothing lost, nothing leaked, and the same request succeeds when there is
// memory.
#include <fcntl.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "../gate/gated.h"
#include "../registry.h"
#include "file_descriptor.h"
#include "module_loader.h"
#include "sweep.h"

namespace raceless {
namespace {

class Allocation : public Registry {
 protected:
  void SetUp() override {
    Registry::SetUp();
    ASSERT_TRUE(Failing::available()) << "this kernel has no failslab with a filter of stacks";
    sweep_.emplace(Failing::text_of_raceless());
  }

  void TearDown() override {
    sweep_.reset();
    Registry::TearDown();
  }

  int sweep(
      const std::function<void()>& prepare, const std::function<int()>& ask, int at_last = 0,
      const std::function<void(int)>& verify = [](int) {}) const {
    return sweep_->run(prepare, ask, at_last, verify);
  }

  static void load_null() { ASSERT_EQ(modprobe("raceless_sample_null"), 0); }
  static void unload(const char* module) {
    EXPECT_TRUE(eventually([module] {
      const int error = delete_module(module);
      return error == 0 || error == ENOENT;
    })) << module;
  }
  static void unload_null() { unload("raceless_sample_null"); }
  static void unload_next() { unload("raceless_sample_null_next"); }

  std::optional<Sweep> sweep_;
};

TEST_F(Allocation, Open) {
  EXPECT_GE(sweep([] {}, [] { return code(Device::open()); }), 2) << "a descriptor, and a user";
}

TEST_F(Allocation, ReaderOfTheState) {
  const auto ask = [] {
    const FileDescriptor file(::open(RACELESS_STATE_FILE, O_RDONLY | O_CLOEXEC));
    return file ? 0 : errno;
  };
  EXPECT_GE(sweep([] {}, ask), 2) << "a reader of lines, and where it is in the table";
}

TEST_F(Allocation, GetOfANameThatIsNew) {
  Device device = open();
  int names = 0;
  std::string name;
  const auto ask = [&] {
    const GetResult<Got> got = device.get(name, 0, RACELESS_GET_NOWAIT);
    EXPECT_EQ(reason(got),
              uint32_t{code(got) == ENOMEM ? RACELESS_REASON_MEMORY : RACELESS_REASON_ABSENT});
    return code(got);
  };
  EXPECT_GE(sweep([&] { name = "fresh" + std::to_string(names++); }, ask, ENOENT), 2)
      << "a reference, and a slot";
}

// The numbers of references live in a tree, which grows with the 64th.
TEST_F(Allocation, Gets) {
  constexpr uint64_t kGets = 70;
  load_null();
  Device device = open();
  for (uint64_t i = 0; i < kGets; i++) {
    uint32_t ref = 0;
    const auto put = [&] {
      EXPECT_TRUE(ref == 0 || device.put(ref));
      ref = 0;
    };
    const int failed = sweep(put, [&] {
      const GetResult<Got> got = device.get("null", kLong);
      if (got) ref = got->ref;
      return code(got);
    });
    EXPECT_GE(failed, 1) << "a reference";
  }
  EXPECT_EQ(column("null", "refs"), kGets) << "those that failed have none";
}

// The first node of that tree: what the kernel tries without sleeping it tries again.
TEST_F(Allocation, NumberOfTheFirstGet) {
  load_null();
  const FileDescriptor device(::open(RACELESS_DEVICE, O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(device);
  raceless_get get{};
  get.size = sizeof(get);
  get.timeout_ns = kLong;
  std::strcpy(get.name, "null");
  const auto ask = [&] { return ioctl(device.get(), RACELESS_IOC_GET, &get) == 0 ? 0 : errno; };
  sweep_->failing().fail_mine_in(Failing::text_of("__xa_alloc"));
  const int refused = ask();
  sweep_->failing().end();
  EXPECT_EQ(refused, ENOMEM);
  EXPECT_EQ(get.reason, uint32_t{RACELESS_REASON_MEMORY});
  EXPECT_EQ(get.ref, 0U) << "who puts it must not put another's";
  EXPECT_EQ(column("null", "refs"), 0U);
  EXPECT_EQ(ask(), 0);
}

TEST_F(Allocation, GetThatWaits) {
  Device device = open();
  const int failed = sweep([] { unload_null(); },
                           [&] {
                             const GetResult<Got> got = device.get("null", kLong);
                             EXPECT_TRUE(!got || device.put(got->ref));
                             return code(got);
                           });
  EXPECT_GE(failed, 1) << "a reference";
}

TEST_F(Allocation, Call) {
  Device device = open();
  const GetResult<Got> got = device.get("codec", kLong);
  ASSERT_EQ(code(got), 0);
  for (const size_t size : {size_t{64}, size_t{RACELESS_MAX_CALL_BYTES}}) {
    const std::vector<std::byte> in(size);
    std::vector<std::byte> out(RACELESS_MAX_CALL_BYTES);
    // A large buffer comes in pages then.
    const int failed = sweep(
        [] {}, [&] { return code(device.call(got->ref, RACELESS_CODEC_OP_COMPRESS, in, out)); });
    EXPECT_GE(failed, 2) << size;
  }
}

TEST_F(Allocation, CallByName) {
  load_null();
  Device device = open();
  sweep([] {},
        [&] { return code(device.call_by_name("null", kLong, RACELESS_NULL_OP_CHECK, {}, {})); });
  EXPECT_EQ(column("null", "refs"), 0U);
}

TEST_F(Allocation, Unload) {
  Device device = open();
  const auto bring_back = [&] {
    (void)device.release("null");
    EXPECT_EQ(code(Device::open().value().get("null", kLong)), 0);
  };
  const int failed = sweep(
      bring_back, [&] { return code(device.unload("null", kLong)); }, 0,
      [](int error) { EXPECT_EQ(state_of("null"), error == 0 ? "gone" : "live"); });
  EXPECT_GE(failed, 2) << "a hold, and a batch";
  bring_back();
}

TEST_F(Allocation, UnloadOfMany) {
  constexpr int kNames = 3;
  ModprobeLine options("options raceless_probe nr=" + std::to_string(kNames));
  ASSERT_EQ(modprobe("raceless_probe"), 0);
  std::vector<std::string> names;
  names.reserve(kNames);
  for (int i = 0; i < kNames; i++) names.push_back("probe" + std::to_string(i));
  Device device = open();
  const auto release = [&] {
    for (const std::string& name : names) (void)device.release(name);
    for (const std::string& name : names)
      EXPECT_EQ(code(Device::open().value().get(name, kLong)), 0) << name;
  };
  EXPECT_GE(sweep(release,
                  [&] {
                    const auto unloaded = device.unload_many(names, kLong);
                    if (!unloaded) return code(unloaded);
                    for (const NameUnloaded& name : *unloaded)
                      if (name.error != 0) return name.error;
                    return 0;
                  }),
            2 + kNames)
      << "the entries, a batch, and a hold each";
  release();
}

TEST_F(Allocation, Register) {
  const int failed = sweep(
      unload_null, [] { return load_module("raceless_sample_null"); }, 0,
      [](int error) {
        EXPECT_EQ(module_state("raceless_sample_null"),
                  error == 0 ? ModuleState::live : ModuleState::absent);
      });
  EXPECT_GE(failed, 1) << "a slot";
}

TEST_F(Allocation, Replace) {
  const auto only_the_old_one = [] {
    unload_next();
    unload_null();
    load_null();
  };
  const int failed = sweep(
      only_the_old_one, [] { return load_module("raceless_sample_null_next", "replace=1"); }, 0,
      [](int) { EXPECT_EQ(state_of("null"), "live") << "the new one, or if that failed the old"; });
  EXPECT_GE(failed, 1) << "the one beside";
  unload_next();
}

// Going needs no memory: who unloads cannot be told to come back later.
TEST_F(Allocation, Unregister) {
  sweep([] { load_null(); },
        [] {
          const int error = delete_module("raceless_sample_null");
          EXPECT_EQ(error, 0);
          return error;
        });
}

}  // namespace
}  // namespace raceless
