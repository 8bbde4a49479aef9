// SPDX-License-Identifier: GPL-2.0
// Every allocation that the registry makes fails once, in turn, in everything that a user can ask
// of it: an error, nothing lost, nothing leaked, and the same request succeeds when there is
// memory.
#include <array>
#include <cerrno>
#include <vector>

#include "../gate/gated.h"
#include "../registry.h"
#include "failing.h"
#include "module_loader.h"

namespace raceless {
namespace {

constexpr int kMostSites = 50;

class Allocation : public Registry {
 protected:
  void SetUp() override {
    Registry::SetUp();
    ASSERT_TRUE(Failing::available()) << "this kernel has no failslab with a filter of stacks";
    failing_.emplace();
    refusals_.emplace();
  }

  void TearDown() override {
    for (const std::string& place : refusals_->places()) RecordProperty("site", place);
    refusals_.reset();
    failing_.reset();
    Registry::TearDown();
  }

  // Asks with the first allocation failing, then the second, until it asked for none that did.
  // What fails must fail with ENOMEM, unless it can do without that memory.
  // Returns how many failed.
  int sweep(const std::function<void()>& prepare, const std::function<int()>& ask, int at_last = 0,
            bool may_do_without = false) const {
    for (int nth = 1; nth <= kMostSites; nth++) {
      prepare();
      failing_->fail_nth(nth);
      const int error = ask();
      if (!failing_->stop()) {
        EXPECT_EQ(error, at_last) << "with memory";
        return nth - 1;
      }
      const bool did_without = may_do_without && error == at_last;
      EXPECT_TRUE(error == ENOMEM || did_without) << "allocation " << nth << ": error " << error;
    }
    ADD_FAILURE() << "it never ends";
    return kMostSites;
  }

  static void load_null() { ASSERT_EQ(modprobe("raceless_sample_null"), 0); }
  static void unload_null() {
    EXPECT_TRUE(eventually([] {
      const int error = delete_module("raceless_sample_null");
      return error == 0 || error == ENOENT;
    }));
  }

  std::optional<Failing> failing_;
  std::optional<Refusals> refusals_;
};

TEST_F(Allocation, Open) {
  EXPECT_EQ(sweep([] {}, [] { return code(Device::open()); }), 2) << "a descriptor, and a user";
}

TEST_F(Allocation, GetOfANameThatIsNew) {
  Device device = open();
  int names = 0;
  std::string name;
  EXPECT_GE(sweep([&] { name = "fresh" + std::to_string(names++); },
                  [&] { return code(device.get(name, 0, RACELESS_GET_NOWAIT)); }, ENOENT),
            2)
      << "a reference, and a slot";
}

TEST_F(Allocation, Get) {
  load_null();
  Device device = open();
  uint32_t ref = 0;
  EXPECT_GE(sweep([] {},
                  [&] {
                    const GetResult<Got> got = device.get("null", kLong);
                    if (got) ref = got->ref;
                    return code(got);
                  }),
            1);
  EXPECT_EQ(column("null", "refs"), 1U) << "those that failed have none";
  EXPECT_EQ(code(device.put(ref)), 0);
}

// The numbers of references live in a tree, which grows.
TEST_F(Allocation, ManyGets) {
  load_null();
  Device device = open();
  int failed = 0;
  for (int i = 0; i < RACELESS_MAX_REFS_PER_FD; i++) {
    failed += sweep([] {}, [&] { return code(device.get("null", kLong)); });
  }
  EXPECT_GT(failed, RACELESS_MAX_REFS_PER_FD) << "a reference each, and nodes";
  EXPECT_EQ(column("null", "refs"), uint64_t{RACELESS_MAX_REFS_PER_FD});
}

TEST_F(Allocation, GetThatWaits) {
  Device device = open();
  sweep([] { unload_null(); },
        [&] {
          const GetResult<Got> got = device.get("null", kLong);
          EXPECT_TRUE(!got || device.put(got->ref));
          return code(got);
        });
}

TEST_F(Allocation, Call) {
  Device device = open();
  const GetResult<Got> got = device.get("codec", kLong);
  ASSERT_EQ(code(got), 0);
  for (const size_t size : {size_t{64}, size_t{RACELESS_MAX_CALL_BYTES}}) {
    const std::vector<std::byte> in(size);
    std::vector<std::byte> out(RACELESS_MAX_CALL_BYTES);
    // A large buffer comes in pages then.
    EXPECT_GE(
        sweep([] {},
              [&] { return code(device.call(got->ref, RACELESS_CODEC_OP_COMPRESS, in, out)); }, 0,
              true),
        2)
        << size;
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
  load_null();
  Device device = open();
  EXPECT_GE(sweep([&] { EXPECT_EQ(state_of("null"), "live") << "a failure took it down"; },
                  [&] { return code(device.unload("null", kLong)); }),
            2)
      << "a hold, and a batch";
  EXPECT_EQ(code(device.release("null")), 0);
}

TEST_F(Allocation, UnloadOfMany) {
  constexpr int kNames = 3;
  ModprobeLine options("options raceless_probe nr=" + std::to_string(kNames));
  ASSERT_EQ(modprobe("raceless_probe"), 0);
  std::vector<std::string> names;
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
  EXPECT_GE(sweep([] { unload_null(); },
                  [] {
                    const int error = load_module("raceless_sample_null");
                    EXPECT_EQ(module_state("raceless_sample_null"),
                              error == 0 ? ModuleState::live : ModuleState::absent);
                    return error;
                  }),
            1)
      << "a slot";
}

TEST_F(Allocation, Replace) {
  const auto unload_next = [] {
    EXPECT_TRUE(eventually([] {
      const int error = delete_module("raceless_sample_null_next");
      return error == 0 || error == ENOENT;
    }));
  };
  EXPECT_GE(sweep(
                [&] {
                  unload_next();
                  load_null();
                },
                [] {
                  const int error = load_module("raceless_sample_null_next", "replace=1");
                  EXPECT_EQ(state_of("null"), "live") << "the old one, if the new one failed";
                  return error;
                }),
            1)
      << "the one beside";
  unload_next();
}

// Going needs no memory: who unloads cannot be told to come back later.
TEST_F(Allocation, Unregister) {
  EXPECT_EQ(sweep([] { load_null(); }, [] { return delete_module("raceless_sample_null"); }), 0);
}

class GateAllocation : public Gated {
 protected:
  void SetUp() override {
    Gated::SetUp();
    ASSERT_TRUE(Failing::available()) << "this kernel has no failslab with a filter of stacks";
    failing_.emplace();
  }
  void TearDown() override {
    failing_.reset();
    Gated::TearDown();
  }

  std::optional<Failing> failing_;
};

// It is let through, and fails as without the gate.
TEST_F(GateAllocation, Call) {
  ASSERT_EQ(load_gated("exit_ms=1000"), 0);
  const Unload unload;
  failing_->fail_nth(1);
  EXPECT_EQ(socket_gated(), EAFNOSUPPORT);
  EXPECT_TRUE(failing_->stop()) << "the gate needed no memory";
  EXPECT_GE(grown("open memory"), 1U);
}

// Nobody waits for others, the module goes.
TEST_F(GateAllocation, Delete) {
  ASSERT_EQ(load_gated(), 0);
  failing_->fail_nth(1);
  EXPECT_EQ(delete_module(kGated), 0);
  (void)failing_->stop();
}

// It comes without a lease.
TEST_F(GateAllocation, Lease) {
  failing_->fail_in("raceless_gate_lease_take");
  EXPECT_EQ(socket_gated(), EPROTO);
  failing_->end_in();
  EXPECT_EQ(grown("leases"), 0U);
  EXPECT_GE(grown("open memory"), 1U);
}

}  // namespace
}  // namespace raceless
