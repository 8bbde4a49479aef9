// SPDX-License-Identifier: GPL-2.0
// run.json against its schema.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/schema.h"
#include "storm/report.h"

namespace raceless {
namespace {

using nlohmann::json;

json example() {
  StormResult result;
  result.tally.add(Count::gets);
  result.tally.add(Breakdown::get_failures_by_reason, "flight");
  result.tally.add(Breakdown::user_failures_by_cause, "load_busy");
  result.tally.record(Latency::get, 12345);
  result.findings.push_back({3, "a get failed", 17, "consumer-0", 4});
  result.nr_findings = 1;
  result.extra_counters["registry_flights"] = 2;
  result.series.push_back({});
  Snapshot snapshot;
  snapshot.histograms["grace_ns"].count = 1;
  snapshot.histograms["grace_ns"].buckets[5] = 1;
  snapshot.histograms["load_ns"] = {};
  snapshot.counters["publishes"] = 3;
  snapshot.drops["events"] = 0;
  result.snapshot = snapshot;
  const Context context{"6.12", "tcg", "abc", 4, "2026-01-01T00:00:00Z"};
  Parameters parameters;
  parameters.target = "codec";
  return run_json(context, parameters, result);
}

TEST(RunJson, FitsItsSchema) {
  const Schema schema = Schema::of_run();
  EXPECT_EQ(schema.errors(example()), std::vector<std::string>{});
}

TEST(RunJson, TheSchemaRejectsWhatIsWrong) {
  const Schema schema = Schema::of_run();
  for (const char* pointer : {"/schema", "/verdict/result", "/counters/gets", "/series/0/time_ms",
                              "/histograms/grace_ns/buckets/0", "/context/vcpus"}) {
    json broken = example();
    broken[json::json_pointer(pointer)] = "wrong";
    EXPECT_FALSE(schema.errors(broken).empty()) << pointer;
  }
  for (const char* name : {"verdict", "counters", "drops"}) {
    json broken = example();
    broken.erase(name);
    EXPECT_FALSE(schema.errors(broken).empty()) << name;
  }
  json more = example();
  more["verdict"]["surprise"] = 1;
  EXPECT_FALSE(schema.errors(more).empty());
  json cause = example();
  cause["counters"]["user_failures_by_cause"]["weather"] = 1;
  EXPECT_FALSE(schema.errors(cause).empty());
}

TEST(RunJson, TheFileHoldsTheSame) {
  json run = example();
  EXPECT_EQ(json::parse(run_text(run)), run);
  run["verdict"]["broken"][0]["what"] = "not UTF-8: \xff";
  EXPECT_TRUE(json::accept(run_text(run)));
}

TEST(RunJson, StableNamesAreThere) {
  const json run = example();
  EXPECT_EQ(run["verdict"]["result"], "fail");
  for (const char* name : {"gets", "get_failures", "loads", "unloads", "reloads", "user_failures"})
    EXPECT_TRUE(run["counters"].contains(name)) << name;
}

TEST(RunJson, TracingReplacesTheHistogramsThatItSawMoreOf) {
  const json run = example();
  EXPECT_EQ(run["histograms"]["grace_ns"]["count"], 1);
  EXPECT_TRUE(run["histograms"].contains("traced_load_ns"));
  EXPECT_EQ(run["histograms"]["get_ns"]["count"], 1);
}

}  // namespace
}  // namespace raceless
