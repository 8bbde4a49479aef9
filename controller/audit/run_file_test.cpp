// SPDX-License-Identifier: GPL-2.0
// A run.json as a storm wrote it: its numbers agree, and stop to when any of them is another.
#include "audit/run_file.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace raceless {
namespace {

using nlohmann::json;

json fixture() {
  return read_run(RACELESS_SOURCE_DIR "/controller/audit/fixtures/run.json").value();
}

Comparison compare(const json& run) {
  Comparison comparison;
  compare_run(run, comparison);
  return comparison;
}

TEST(RunFile, AgreesAsTheStormWroteIt) {
  const Comparison comparison = compare(fixture());
  EXPECT_EQ(comparison.disagreement(), nullptr) << comparison.summary();
  EXPECT_GT(comparison.numbers().size(), 80U);
}

TEST(RunFile, EachNumberCounts) {
  for (const char* pointer : {"/counters/gets",
                              "/counters/get_failures",
                              "/counters/waits",
                              "/counters/loads",
                              "/counters/load_failures",
                              "/counters/unloads",
                              "/counters/unload_failures",
                              "/counters/user_failures",
                              "/counters/check_gets",
                              "/counters/check_delete_ok",
                              "/counters/registry_gets",
                              "/counters/registry_puts",
                              "/counters/registry_calls",
                              "/counters/registry_calls_by_name",
                              "/counters/registry_handed_off",
                              "/counters/registry_to_live",
                              "/counters/registry_get_failures_timeout",
                              "/counters/registry_flights_in_place",
                              "/tracing/counters/publishes",
                              "/tracing/counters/waits",
                              "/tracing/counters/to_gone",
                              "/tracing/counters/broken_2",
                              "/tracing/counters/unload_results_ok",
                              "/histograms/call_ns/count",
                              "/histograms/grace_ns/count",
                              "/histograms/flight_ns/buckets/0/1",
                              "/drops/keys",
                              "/context/seed",
                              "/plan/max_hold_ns",
                              "/plan/threads/consumer-0/operations",
                              "/parameters/consumers/tight_percent",
                              "/parameters/loaders/threads"}) {
    json run = fixture();
    json& number = run[json::json_pointer(pointer)];
    ASSERT_TRUE(number.is_number_unsigned()) << pointer;
    number = number.get<std::uint64_t>() + 1;
    EXPECT_NE(compare(run).disagreement(), nullptr) << pointer;
  }
}

TEST(RunFile, ADigestOfOtherOperationsShows) {
  json run = fixture();
  run["plan"]["threads"]["loader-0"]["digest"] = "0123456789abcdef";
  const Comparison comparison = compare(run);
  ASSERT_NE(comparison.disagreement(), nullptr);
  EXPECT_EQ(comparison.disagreement()->name.rfind("plan of loader-0", 0), 0U);
}

TEST(RunFile, WhatCannotBeComparedIsTold) {
  json untraced = fixture();
  untraced["tracing"] = {{"on", false}, {"missing", {"--no-trace"}}, {"counters", json::object()}};
  EXPECT_EQ(compare(untraced).disagreement(), nullptr);
  EXPECT_NE(compare(untraced).summary().find("1 skipped"), std::string::npos);

  json missed = fixture();
  missed["drops"]["missed_runs"] = 2U;
  missed["tracing"]["counters"]["unload_results_ok"] = 0;
  EXPECT_EQ(compare(missed).disagreement(), nullptr);
  EXPECT_NE(compare(missed).summary().find("1 skipped"), std::string::npos);
}

TEST(RunFile, DeletesThatTheGateSentBackAreNoneOfTheirThreads) {
  json run = fixture();
  run["tracing"]["counters"]["unload_results_EFAULT"] = 3U;
  EXPECT_NE(compare(run).disagreement(), nullptr);
  run["counters"]["gate_deletes_delayed"] = 3U;
  EXPECT_EQ(compare(run).disagreement(), nullptr) << compare(run).summary();
  run["counters"]["gate_deletes_delayed"] = 2U;
  EXPECT_NE(compare(run).disagreement(), nullptr);
}

TEST(RunFile, AnUnreadableFileSaysSo) {
  EXPECT_FALSE(read_run("/nonexistent"));
  EXPECT_FALSE(read_run(RACELESS_SOURCE_DIR "/README.md"));
}

}  // namespace
}  // namespace raceless
