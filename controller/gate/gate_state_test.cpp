// SPDX-License-Identifier: GPL-2.0
#include "gate/gate_state.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

constexpr const char* kText =
    "# total on 1\n"
    "# total hold_ms 10000\n"
    "# total calls_now 2\n"
    "# total leases_now 1\n"
    "# total restarts 7\n"
    "# total waits 0\n"
    "# total open io_uring 3\n"
    "# total syscall mount restarts 5\n"
    "# total syscall bind restarts 2\n"
    "# histogram restarts_per_call count=2 sum=3 max=2 1:1 2:1\n"
    "# name restarts waits\n"
    "configfs 5 0\n"
    "kcm 0 0\n";

GateState state() {
  Result<GateState> parsed = GateState::parse(kText);
  EXPECT_TRUE(parsed) << parsed.error().message();
  return *parsed;
}

TEST(GateState, TellsCountsFromBoundsAndFromWhatIsTrueNow) {
  const nlohmann::json json = state().json({.count = 37, .skipped = 2});
  EXPECT_EQ(json["on"], true);
  EXPECT_EQ(json["programs"], 37);
  EXPECT_EQ(json["counts"], (nlohmann::json{{"restarts", 7}, {"waits", 0}}));
  EXPECT_EQ(json["bounds"], (nlohmann::json{{"hold_ms", 10000}}));
  EXPECT_EQ(json["now"], (nlohmann::json{{"calls_now", 2}, {"leases_now", 1}}));
  EXPECT_EQ(json["let_through"], (nlohmann::json{{"io_uring", 3}, {"skipped_programs", 2}}));
}

TEST(GateState, CountsBySystemCallAndByModule) {
  const nlohmann::json json = state().json({});
  EXPECT_EQ(json["syscalls"]["mount"]["restarts"], 5);
  EXPECT_EQ(json["syscalls"]["bind"]["restarts"], 2);
  EXPECT_EQ(json["modules"], (nlohmann::json{{"configfs", {{"restarts", 5}}}}));
}

TEST(GateState, TextLeavesZerosOut) {
  const std::string text = state().text({.count = 37, .skipped = 0});
  EXPECT_NE(text.find("gate           on, 37 programs\n"), std::string::npos) << text;
  EXPECT_NE(text.find("let through    io_uring 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("counts         restarts 7\n"), std::string::npos) << text;
  EXPECT_NE(text.find("restarts_per_call 2 times, p50 1, p99 2, max 2\n"), std::string::npos)
      << text;
}

TEST(GateState, IsOffWhereTheModuleIsNot) {
  const Result<GateState> none = GateState::read("/nonexistent");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ENOENT);
}

}  // namespace
}  // namespace raceless
