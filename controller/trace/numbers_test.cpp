// SPDX-License-Identifier: GPL-2.0
#include "trace/numbers.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace raceless {
namespace {

Naming naming() {
  return {[](const std::vector<uint64_t>& stack) {
            return stack.empty() ? std::string("unknown") : "f" + std::to_string(stack.back());
          },
          [](const std::string& name) { return name == "fs-configfs" ? "configfs" : name; }};
}

Activity activity() {
  Histogram waits;
  waits.record(12'000'000);
  Activity all;
  ModuleActivity& kcm = all.modules["kcm"];
  kcm.loads = {{"ok", 5}, {"EBUSY", 3}};
  kcm.unloads = {{"ok", 5}};
  kcm.load_ns = waits.raw();
  all.modules[""].loads = {{"ENOEXEC", 1}};
  all.grace_waits = {{"kcm", {1, 7}, waits.raw()}, {"kcm", {2, 7}, waits.raw()}};
  all.get_failures = {{"kcm", "going", 0, 4, {1, 8}},
                      {"kcm", "going", 0, 2, {2, 8}},
                      {"kcm", "no_count", 0, 1, {}},
                      {"codec", "absent", ENOENT, 9, {3}}};
  all.call_failures = {{"fs-configfs", "mount", "ENODEV", FailureCause::unloaded_again, 2},
                       {"kcm", "socket", "EAFNOSUPPORT", FailureCause::still_registered, 7}};
  return all;
}

Snapshot snapshot() {
  Snapshot all;
  all.counters = {
      {"module_requests", 11}, {"load_results_ok", 5}, {"publishes", 3}, {"to_live", 3}};
  Histogram drains;
  drains.record(5000);
  all.histograms = {{"drain_ns", drains.raw()}, {"load_ns", drains.raw()}};
  all.drops = {{"events", 0}, {"keys", 0}, {"stacks", 2}, {"missed_runs", 0}};
  return all;
}

TEST(Numbers, StacksOfOneCallerAreOneAndAliasesAreModules) {
  const Numbers numbers = make_numbers(activity(), snapshot(), true, {}, naming());
  const ModuleNumbers& kcm = numbers.modules.at("kcm");
  EXPECT_EQ(kcm.failed_gets.at({"going", "f8"}), 6U);
  EXPECT_EQ(kcm.failed_gets.at({"no_count", "unknown"}), 1U);
  EXPECT_EQ(kcm.nr_failed_gets(), 7U);
  EXPECT_EQ(kcm.grace_ns.at("f7").count(), 2U);
  EXPECT_EQ(kcm.all_grace_ns().count(), 2U);
  EXPECT_EQ(kcm.nr_failed_calls(), 7U);
  EXPECT_EQ(numbers.modules.at("configfs").failed_calls.at({"mount", "ENODEV", "unloaded_again"}),
            2U);
  EXPECT_FALSE(numbers.modules.contains("codec"));  // a provider, no module
  EXPECT_EQ(numbers.registry_failed_gets.at({"absent", "f3"}), 9U);
  EXPECT_EQ(numbers.requests, 11U);
}

TEST(Numbers, WhatIsTheRegistrysIsTold) {
  const Numbers with = make_numbers(activity(), snapshot(), true, {}, naming());
  EXPECT_EQ(with.registry_counters.size(), 2U);
  EXPECT_EQ(with.registry_counters.at("publishes"), 3U);
  EXPECT_EQ(with.registry_histograms.size(), 1U);
  EXPECT_EQ(with.registry_histograms.at("drain_ns").count(), 1U);
  EXPECT_NE(summary_text(with).find("registry: publishes 3, to_live 3"), std::string::npos);
  EXPECT_TRUE(numbers_json(with).contains("registry"));
  const Numbers without = make_numbers(activity(), snapshot(), false, {}, naming());
  EXPECT_TRUE(without.registry_counters.empty());
  EXPECT_EQ(summary_text(without).find("registry:"), std::string::npos);
  EXPECT_FALSE(numbers_json(without).contains("registry"));
}

TEST(Numbers, CallsOfModulesThatAreNotWatchedAreLeftOut) {
  const Numbers numbers = make_numbers(activity(), snapshot(), false, {"configfs"}, naming());
  EXPECT_EQ(numbers.modules.at("kcm").nr_failed_calls(), 0U);
  EXPECT_EQ(numbers.modules.at("configfs").nr_failed_calls(), 2U);
}

TEST(Numbers, TableHasARowForEachModule) {
  const std::string table = table_text(make_numbers(activity(), snapshot(), false, {}, naming()));
  EXPECT_NE(table.find("kcm        5 ok, 3 EBUSY  5 ok     7            7 EAFNOSUPPORT"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("(no name)  1 ENOEXEC"), std::string::npos) << table;
  EXPECT_NE(table.find("12.0 ms / 12.0 ms"), std::string::npos) << table;
}

TEST(Numbers, SummaryHasEachWayToFail) {
  const std::string text = summary_text(make_numbers(activity(), snapshot(), true, {}, naming()));
  for (const char* line :
       {"kcm          going     f8       6",
        "kcm           socket  EAFNOSUPPORT  still_registered  7", "RCU wait in f7  2",
        "(registry)   absent    f3       9", "11 requests for modules", "2 stacks not recorded"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  EXPECT_NE(summary_text(Numbers{}).find("no module was loaded"), std::string::npos);
}

TEST(Numbers, NamesCannotMoveTheCursor) {
  Activity some = activity();
  some.call_failures.push_back({"fs-\x1b[2J\n", "mount", "ENODEV", FailureCause::missing, 1});
  const Numbers numbers = make_numbers(some, snapshot(), false, {}, naming());
  for (const std::string& text : {table_text(numbers), summary_text(numbers)}) {
    EXPECT_NE(text.find("\nfs-\\x1b[2J\\x0a "), std::string::npos) << text;
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  }
}

TEST(Numbers, DropsAreToldByWhatTheyMean) {
  Numbers numbers;
  EXPECT_EQ(drops_text(numbers), "nothing lost");
  numbers.drops = {{"events", 12}, {"keys", 1}, {"stacks", 3}};
  EXPECT_EQ(numbers.nr_dropped(), 13U);
  EXPECT_NE(drops_text(numbers).find("12 events lost"), std::string::npos);
  EXPECT_NE(drops_text(numbers).find("1 not counted for want of room"), std::string::npos);
}

TEST(Numbers, JsonHasAllOfIt) {
  const nlohmann::json json =
      numbers_json(make_numbers(activity(), snapshot(), true, {}, naming()));
  const nlohmann::json& kcm = json.at("modules").at("kcm");
  EXPECT_EQ(kcm.at("loads").at("EBUSY"), 3);
  EXPECT_EQ(kcm.at("failed_gets").at(0).at("caller"), "f8");
  EXPECT_EQ(kcm.at("failed_calls").at(0).at("cause"), "still_registered");
  EXPECT_EQ(kcm.at("grace_waits").at(0).at("ns").at("count"), 2);
  EXPECT_EQ(json.at("drops").at("stacks"), 2);
  EXPECT_EQ(json.at("registry").at("counters").at("to_live"), 3);
}

}  // namespace
}  // namespace raceless
