// SPDX-License-Identifier: GPL-2.0
#include "ratios.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

using nlohmann::json;

json repetition(const std::string& name, int index, double ns, const std::string& unit = "ns") {
  return {{"run_name", name + "/manual_time"},
          {"run_type", "iteration"},
          {"repetition_index", index},
          {"real_time", ns},
          {"time_unit", unit}};
}

json example() {
  return {{"context", {{"kernel", "6.12"}, {"accel", "tcg"}, {"vcpus", "4"}}},
          {"benchmarks",
           {repetition("pairs/a/threads:2", 0, 10),
            repetition("pairs/a/threads:2", 1, 30),
            repetition("pairs/a/threads:2", 2, 20),
            repetition("pairs/b/threads:2", 0, 0.1, "us"),
            repetition("pairs/b/threads:2", 1, 100),
            repetition("pairs/b/threads:2", 2, 40),
            {{"run_name", "pairs/a/threads:2/manual_time"},
             {"run_type", "aggregate"},
             {"real_time", 1e9},
             {"time_unit", "ns"}}}}};
}

TEST(Ratios, ReadsGoals) {
  const auto goals = parse_goals("# comment\n\nname\tpairs/a\tpairs/b\t<=\t0.5\n");
  ASSERT_TRUE(goals);
  ASSERT_EQ(goals->size(), 1U);
  EXPECT_EQ(goals->front().denominator, "pairs/b");
  EXPECT_EQ(goals->front().value, 0.5);
  EXPECT_FALSE(parse_goals("name pairs/a pairs/b 0.5\n"));
  EXPECT_FALSE(parse_goals("name pairs/a pairs/b == 0.5\n"));
}

TEST(Ratios, OfMediansWithTheSpreadOfRepetitions) {
  const std::vector<Goal> goals = {
      {"r", "pairs/a/threads:2", "pairs/b/threads:2", Bound::at_most, 0.2},
      {"absent", "pairs/a/threads:4", "pairs/b/threads:4", Bound::at_most, 1}};
  const auto ratios = compute_ratios(example(), goals);
  ASSERT_TRUE(ratios);
  ASSERT_TRUE(ratios->at(0));
  EXPECT_DOUBLE_EQ(ratios->at(0)->value, 0.2);
  EXPECT_DOUBLE_EQ(ratios->at(0)->lowest, 0.1);
  EXPECT_DOUBLE_EQ(ratios->at(0)->highest, 0.5);
  EXPECT_TRUE(ratios->at(0)->met());
  EXPECT_FALSE(ratios->at(1));
  const json out = ratios_json(example(), *ratios);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0]["threads"], 2);
  EXPECT_EQ(out[0]["kernel"], "6.12");
  EXPECT_EQ(out[0]["clock"], "unknown");
  EXPECT_EQ(out[0]["direction"], "<=");
  EXPECT_EQ(out[0]["met"], true);
  EXPECT_NE(ratio_table(example(), goals, *ratios).find("not run: absent"), std::string::npos);
}

TEST(Ratios, OfACounterToANumber) {
  json run = example();
  run["benchmarks"][0]["failed"] = 6;
  run["benchmarks"][1]["failed"] = 2;
  run["benchmarks"][2]["failed"] = 4;
  const auto ratios =
      compute_ratios(run, {{"r", "pairs/a/threads:2.failed", "2", Bound::at_most, 1},
                           {"absent", "pairs/b/threads:2.failed", "2", Bound::at_most, 1},
                           {"no number", "pairs/a/threads:2.failed", "2x", Bound::at_most, 1}});
  ASSERT_TRUE(ratios && ratios->at(0));
  EXPECT_DOUBLE_EQ(ratios->at(0)->value, 2);
  EXPECT_DOUBLE_EQ(ratios->at(0)->lowest, 1);
  EXPECT_DOUBLE_EQ(ratios->at(0)->highest, 3);
  EXPECT_FALSE(ratios->at(1));
  EXPECT_FALSE(ratios->at(2));
}

TEST(Ratios, AGoalHasADirection) {
  Ratio ratio{{"r", "a", "b", Bound::at_least, 0.95}, 0.97, 0.9, 1};
  EXPECT_TRUE(ratio.met());
  ratio.value = 0.94;
  EXPECT_FALSE(ratio.met());
  ratio.goal.bound = Bound::at_most;
  EXPECT_TRUE(ratio.met());
}

TEST(Ratios, FilesOfOnePlaceAreOneRun) {
  json part = example(), other = example(), slower = example();
  part["benchmarks"] = {repetition("storms/raw/iterations:1/repeats:3", 0, 5, "ms")};
  other["context"]["kernel"] = "6.1";
  slower["context"]["clock"] = "instructions";
  const std::vector<json> runs = merge_runs({example(), other, part, slower});
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(runs[0]["benchmarks"].size(), example()["benchmarks"].size() + 1);
  EXPECT_EQ(runs[1]["context"]["kernel"], "6.1");
  const auto ratios =
      compute_ratios(runs[0], {{"r", "storms/raw", "pairs/b/threads:2", Bound::at_most, 1}});
  ASSERT_TRUE(ratios && ratios->at(0));
  EXPECT_DOUBLE_EQ(ratios->at(0)->value, 5e6 / 100);
  // What is no run is kept, for compute_ratios() to name.
  EXPECT_EQ(merge_runs({example(), json{{"context", example()["context"]}}}).size(), 2U);
}

TEST(Ratios, AFailedBenchmarkIsNoNumber) {
  json run = example();
  run["benchmarks"][0]["error_occurred"] = true;
  run["benchmarks"][0]["error_message"] = "cannot time a";
  const auto ratios =
      compute_ratios(run, {{"r", "pairs/a/threads:2", "pairs/b/threads:2", Bound::at_most, 1}});
  ASSERT_FALSE(ratios);
  EXPECT_NE(ratios.error().message().find("cannot time a"), std::string::npos);
  EXPECT_FALSE(compute_ratios(json{{"benchmarks", 1}}, {}));
}

}  // namespace
}  // namespace raceless
