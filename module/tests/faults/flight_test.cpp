// SPDX-License-Identifier: GPL-2.0
// What a flight needs is allocated by a worker, for everyone who waits: they have its error, and
// who asks next a flight of their own.
#include <cerrno>
#include <thread>

#include "../registry.h"
#include "module_loader.h"
#include "sweep.h"

namespace raceless {
namespace {

class FlightAllocation : public Registry {
 protected:
  void SetUp() override {
    Registry::SetUp();
    ASSERT_TRUE(Failing::available()) << "this kernel has no failslab with a filter of stacks";
    sweep_.emplace(Failing::text_of_raceless());
    flight_ = Failing::text_of("flight_work");
  }
  void TearDown() override {
    sweep_.reset();
    Registry::TearDown();
  }

  // Of a get that waits for a flight, with `begin` run once it waits.
  static int wait_for_flight(const std::function<void()>& begin) {
    auto gets = start_gets("null", 1);
    begin();
    const Outcome outcome = gets.front().get();
    EXPECT_EQ(outcome.reason,
              uint32_t{outcome.code == 0 ? RACELESS_REASON_NONE : RACELESS_REASON_FLIGHT});
    EXPECT_EQ(column("null", "waiters"), 0U);
    return outcome.code;
  }

  static void expect_the_next_get_works() {
    EXPECT_EQ(code(Device::open().value().get("null", kLong)), 0);
  }

  std::optional<Sweep> sweep_;
  Text flight_;
};

TEST_F(FlightAllocation, Modprobe) {
  const int failed = sweep_->run_everywhere(
      flight_,
      [] {
        expect_the_next_get_works();
        EXPECT_TRUE(eventually([] { return delete_module("raceless_sample_null") == 0; }));
      },
      [] { return wait_for_flight([] {}); });
  EXPECT_GE(failed, 3) << "its arguments, the module's name, and the process";
  EXPECT_GE(grown("flight_errors"), static_cast<uint64_t>(failed));
}

// The provider's own init: its module is still there.
TEST_F(FlightAllocation, InitInPlace) {
  expect_the_next_get_works();
  Device holder = open();
  const int failed = sweep_->run_everywhere(
      flight_,
      [&] {
        expect_the_next_get_works();
        EXPECT_EQ(code(holder.unload("null", kLong)), 0);
      },
      [&] {
        return wait_for_flight([&] {
          EXPECT_TRUE(eventually([] { return column("null", "waiters") == 1; }));
          EXPECT_EQ(code(holder.release("null")), 0);
        });
      });
  EXPECT_GE(failed, 1) << "a canary";
  EXPECT_EQ(grown("flights"), grown("flights_in_place") + 1) << "the first one loaded the module";
}

}  // namespace
}  // namespace raceless
