// SPDX-License-Identifier: GPL-2.0
// The gate without memory: it lets through what it cannot hold, and counts that; and it is turned
// on as a whole or not at all.
#include <cerrno>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "../gate/gated.h"
#include "device.h"
#include "module_loader.h"
#include "sweep.h"
#include "text_file.h"

namespace raceless {
namespace {

class GateAllocation : public Gated {
 protected:
  void SetUp() override {
    Gated::SetUp();
    ASSERT_TRUE(Failing::available()) << "this kernel has no failslab with a filter of stacks";
    sweep_.emplace(Failing::text_of_raceless());
  }
  void TearDown() override {
    sweep_.reset();
    Gated::TearDown();
  }

  // delete_module() while the nth allocation fails. Did one?
  std::pair<int, bool> delete_without_memory(const char* module) const {
    sweep_->failing().fail_nth(1);
    const int error = delete_module(module);
    return {error, sweep_->failing().stop()};
  }

  std::optional<Sweep> sweep_;
};

// It is let through, and fails as without the gate.
TEST_F(GateAllocation, Call) {
  ASSERT_EQ(load_gated("exit_ms=1000"), 0);
  const Unload unload;
  sweep_->failing().fail_nth(1);
  EXPECT_EQ(socket_gated(), EAFNOSUPPORT);
  EXPECT_TRUE(sweep_->failing().stop()) << "the gate needed no memory";
  EXPECT_GE(grown("open memory"), 1U);
}

// Of a module that a lease keeps for a call that is held. It does not wait: in use, as without the
// gate. The call is none the worse for it, and the next delete waits.
TEST_F(GateAllocation, Delete) {
  load_with_endless_exit();
  ASSERT_TRUE(set_parameter("raceless", "gate_lease_ms", "20000"));
  ASSERT_TRUE(set_parameter("raceless", "gate_delete_ms", "20000"));
  Unload unload;
  std::thread user([] { EXPECT_EQ(mount_gated(), 0); });
  EXPECT_TRUE(eventually([this] { return grown("waits") == 1; }));
  EXPECT_EQ(load_module("raceless_sample_null"), 0);
  const uint64_t open = grown("open memory");
  EXPECT_EQ(delete_without_memory("raceless_sample_null"), std::pair(EAGAIN, true));
  EXPECT_EQ(grown("open memory"), open + 1);
  EXPECT_EQ(grown("deletes_delayed"), 0U);
  std::thread deleter([] { EXPECT_EQ(delete_module("raceless_sample_null"), 0); });
  EXPECT_TRUE(eventually([this] { return grown("deletes_delayed") == 1; }));
  let_exit();
  user.join();
  deleter.join();
  EXPECT_EQ(grown("delete_timeouts"), 0U);
  EXPECT_TRUE(none_timed_out());
}

// It comes without a lease.
TEST_F(GateAllocation, Lease) {
  sweep_->failing().fail_in(Failing::text_of("raceless_gate_lease_take"));
  EXPECT_EQ(socket_gated(), EPROTO);
  sweep_->failing().end();
  EXPECT_EQ(grown("leases"), 0U);
  EXPECT_GE(grown("open memory"), 1U);
}

// Its programs stay: they hold nobody, and see no get.
TEST_F(GateAllocation, On) {
  Result<Device> device = Device::open();
  ASSERT_TRUE(device);
  const auto turn_on = [&] {
    const Status on = device->gate(true);
    return on ? 0 : on.error().code;
  };
  const auto verify = [](int error) {
    EXPECT_EQ(now("on"), error == 0 ? 1U : 0U);
    const Result<std::string> traced = read_text("/sys/kernel/tracing/enabled_functions");
    EXPECT_TRUE(traced);
    const bool watched = traced && traced->find("try_module_get") != std::string::npos;
    EXPECT_EQ(watched, error == 0) << "the gate is on without knowing of gets, or off and watches";
  };
  const int failed = sweep_->run([&] { EXPECT_TRUE(device->gate(false)); }, turn_on, 0, verify);
  EXPECT_GE(failed, 2) << "the address, and the watch on it";
}

}  // namespace
}  // namespace raceless
