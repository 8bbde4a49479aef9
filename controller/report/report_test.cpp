// SPDX-License-Identifier: GPL-2.0
// Files that somebody kept: good ones, old ones, cut ones, hostile ones.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "report/changes.h"
#include "report/embedded.h"
#include "report/inputs.h"
#include "report/origin.h"
#include "report/page.h"
#include "report/stored_run.h"
#include "text_file.h"

namespace raceless {
namespace {

using nlohmann::json;

constexpr const char* kRun = RACELESS_SOURCE_DIR "/dashboard/tests/fixtures/run.json";
constexpr const char* kBench = RACELESS_SOURCE_DIR "/dashboard/tests/fixtures/bench";

class Report : public testing::Test {
 protected:
  void SetUp() override {
    run_ = json::parse(read_text(kRun).value());
    folder_ = testing::TempDir() + "raceless-report-" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string store(const std::string& name, const std::string& text) const {
    std::string path = folder_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    EXPECT_TRUE(write_text(path, text));
    return path;
  }

  // Why this text is no run, without the path in front.
  std::string refused(const std::string& text) const {
    const std::string path = store("run.json", text);
    const Result<StoredRun> stored = read_stored_run(path);
    if (stored) return "accepted";
    const std::string begin = "cannot report on " + path + ": ";
    EXPECT_TRUE(stored.error().message().starts_with(begin)) << stored.error().message();
    return stored.error().message().substr(begin.size());
  }

  json run_;
  std::string folder_;
};

TEST_F(Report, ReadsARunWithItsSeries) {
  const Result<StoredRun> stored = read_stored_run(kRun);
  ASSERT_TRUE(stored) << stored.error().message();
  ASSERT_EQ(stored->series.rows(), run_["series"].size());
  for (size_t i = 0; i < stored->series.names.size(); i++)
    for (size_t row = 0; row < stored->series.rows(); row++)
      EXPECT_EQ(stored->series.columns[i][row], run_["series"][row][stored->series.names[i]]);
  EXPECT_EQ(stored->run["counters"], run_["counters"]);
}

TEST_F(Report, AnotherVersionIsNamed) {
  run_["schema"] = 2;
  EXPECT_EQ(refused(run_.dump()),
            "it has schema 2, and this raceless reads 1; use the raceless that wrote it, or make "
            "the run again");
}

TEST_F(Report, AFileThatWasCutShortIsNamed) {
  const std::string text = run_.dump();
  for (const size_t bytes : {text.size() / 3, text.size() / 2, text.size() - 1})
    EXPECT_NE(refused(text.substr(0, bytes)).find("in the middle"), std::string::npos) << bytes;
  EXPECT_NE(refused("").find("in the middle"), std::string::npos);
}

TEST_F(Report, WhatIsNoRunIsRefused) {
  EXPECT_EQ(refused("[]"), "it is no run.json of raceless storm");
  EXPECT_EQ(refused("{\"schema\" 1}"), "it is not JSON, from byte 11 on");
  json wrong = run_;
  wrong["counters"]["gets"] = "many";
  EXPECT_NE(refused(wrong.dump()).find("$.counters.gets is not of type integer"),
            std::string::npos);
  wrong = run_;
  wrong["context"].erase("kernel");
  EXPECT_NE(refused(wrong.dump()).find("$.context lacks \"kernel\""), std::string::npos);
  wrong = run_;
  wrong["series"][3].erase("gets");
  EXPECT_EQ(refused(wrong.dump()), "row 3 of its series has other members than the first");
  wrong = run_;
  wrong["series"][2]["gets"] = -1;
  EXPECT_EQ(refused(wrong.dump()), "row 2 of its series has no number 'gets'");
}

TEST_F(Report, FindsAllThatIsBelowAFolder) {
  store("a/run.json", run_.dump());
  store("b/c/run.json", run_.dump());
  store("b/case.json", "{}");
  const Result<Inputs> inputs = read_inputs({folder_, kBench, folder_ + "/a"});
  ASSERT_TRUE(inputs) << inputs.error().message();
  EXPECT_EQ(inputs->runs.size(), 2U);
  EXPECT_EQ(inputs->ratios.size(), 1U);
  EXPECT_EQ(inputs->benchmarks.size(), 1U);
}

TEST_F(Report, WhatIsNotThereIsNamed) {
  EXPECT_EQ(read_inputs({folder_}).error().message(),
            "there is nothing to report on in '" + folder_ +
                "': no run.json, no ratios.json, none of raceless-bench's files");
  EXPECT_NE(read_inputs({folder_ + "/no"}).error().message().find("there is no '"),
            std::string::npos);
  for (size_t i = 0; i <= kMostRuns; i++) store(std::to_string(i) + "/run.json", run_.dump());
  EXPECT_NE(read_inputs({folder_}).error().message().find("25 runs are too many"),
            std::string::npos);
}

TEST_F(Report, BenchmarksThatAreNoneAreNamed) {
  EXPECT_NE(read_benchmarks(store("pairs.json", "{\"context\": {}}"))
                .error()
                .message()
                .find("it is no output of Google Benchmark"),
            std::string::npos);
  EXPECT_NE(read_benchmarks(store("pairs.json", "{\"con")).error().message().find("cut short"),
            std::string::npos);
  EXPECT_NE(read_ratios(store("ratios.json", R"({"schema": 7, "ratios": []})"))
                .error()
                .message()
                .find("it has schema 7"),
            std::string::npos);
}

TEST_F(Report, TheSpreadOfABenchmarkIsThatOfItsRepetitions) {
  const Result<BenchmarkFile> file = read_benchmarks(std::string(kBench) + "/6.12/pairs.json");
  ASSERT_TRUE(file) << file.error().message();
  for (const Benchmark& one : file->benchmarks) {
    EXPECT_EQ(one.repetitions, 5U) << one.name;
    EXPECT_LE(one.least, one.median) << one.name;
    EXPECT_LE(one.median, one.most) << one.name;
    EXPECT_EQ(one.name.find("/iterations"), std::string::npos) << one.name;
  }
  EXPECT_EQ(bench_command(*file), "make bench KERNEL=6.12 SMP=4 PART=pairs");
}

TEST_F(Report, MarkupStaysInTheData) {
  run_["parameters"]["target"] = "module:</script><script>alert(1)</script><!--";
  const Result<Inputs> inputs = read_inputs({store("run.json", run_.dump())});
  ASSERT_TRUE(inputs) << inputs.error().message();
  const json data = page_data(*inputs, {"raceless report", "now"});
  const Result<std::string> page = page_text("<script>@DATA@</script>", data);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->find('<', 1), page->rfind("</script>"));
  EXPECT_EQ(json::parse(page->substr(8, page->size() - 17)), data);
}

TEST_F(Report, ASeedKeepsAllItsDigits) {
  run_["context"]["seed"] = 18446744073709551615U;
  const Result<Inputs> inputs = read_inputs({store("run.json", run_.dump())});
  ASSERT_TRUE(inputs) << inputs.error().message();
  const json data = page_data(*inputs, {"", ""});
  EXPECT_EQ(data["runs"][0]["run"]["context"]["seed"], "18446744073709551615");
}

TEST_F(Report, WithoutAPageTheReasonIsSaid) {
  EXPECT_EQ(page_text("there is no node and npm (…)\n", {}).error().message(),
            "this raceless was built without the page of the report: there is no node and npm (…); "
            "raceless report --against needs none");
}

TEST_F(Report, ALongSeriesIsThinnedToFit) {
  Series series{{"time_ms", "gets"}, {{}, {}}};
  uint64_t gets = 0;
  uint64_t state = 1;
  for (uint64_t row = 0; row < 100'000; row++) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    series.columns[0].push_back(row * 100);
    series.columns[1].push_back(gets += state >> 54);
  }
  const json whole = pack_series(series, 1'000'000'000);
  EXPECT_EQ(whole["shown"], 100'000);
  const json thinned = pack_series(series, 20'000);
  EXPECT_EQ(thinned["rows"], 100'000);
  EXPECT_LT(thinned["shown"], 50'000);
  EXPECT_GT(thinned["shown"], 1'000);
  EXPECT_LE(thinned["packed"].get<std::string>().size(), 20'000U);
}

TEST_F(Report, TheCommandIsQuotedForAShell) {
  run_["parameters"]["workload"] = "dd if=/dev/mine; it's";
  run_["context"]["gate"] = "on";
  EXPECT_EQ(storm_command(run_),
            "raceless storm --target codec --duration 4s --seed 1 --loaders 1 --unloaders 1 "
            "--consumers 8 --timeout 30s --stuck-after 60s --leak-check 50 "
            "--workload 'dd if=/dev/mine; it'\\''s' --gate on");
}

TEST_F(Report, TheCommandRepeatsThePacesThatWereAskedFor) {
  json& consumers = run_["parameters"]["consumers"];
  consumers["pause_min_ns"] = consumers["pause_max_ns"] = 20'000'000;
  consumers["tight_percent"] = 0;
  run_["parameters"]["max_uses"] = 10'000;
  EXPECT_NE(storm_command(run_).find("--consumers 8 --use-interval 20ms --timeout"),
            std::string::npos);
  EXPECT_NE(storm_command(run_).find("--uses 10000"), std::string::npos);
}

TEST_F(Report, ChangesAreWhatDiffers) {
  const Inputs base = read_inputs({store("a/run.json", run_.dump())}).value();
  run_["context"]["commit"] = "fffffff";
  run_["counters"]["gets"] = 720;
  const auto p99 = run_["histograms"]["get_ns"]["p99"].get<uint64_t>();
  run_["histograms"]["get_ns"]["p99"] = 2 * p99;
  const Inputs now = read_inputs({store("b/run.json", run_.dump())}).value();
  const Result<std::string> text = changes_text(base, now);
  ASSERT_TRUE(text) << text.error().message();
  for (const char* line : {"commit", "gets", "get p99", "more are the same"})
    EXPECT_NE(text->find(line), std::string::npos) << line << " in\n" << *text;
  for (const char* line : {"verdict", "kernel ", "get p50"})
    EXPECT_EQ(text->find(std::string("\n") + line), std::string::npos) << line << " in\n" << *text;
}

TEST_F(Report, SpreadsThatOverlapAreNoChange) {
  const Inputs base = read_inputs({kBench}).value();
  Inputs now = base;
  json& ratio = now.ratios[0].ratios[0];
  ratio["value"] = 9;
  ratio["spread"] = {8, 10};
  const Result<std::string> text = changes_text(base, now);
  ASSERT_TRUE(text);
  EXPECT_NE(text->find(ratio["name"].get<std::string>()), std::string::npos) << *text;
  EXPECT_EQ(text->find("\npairs/"), std::string::npos) << *text;
  EXPECT_NE(text->find("3 more have spreads that overlap"), std::string::npos) << *text;
}

TEST_F(Report, WhatHasNoPartnerIsSaid) {
  const Inputs bench = read_inputs({kBench}).value();
  const Inputs run = read_inputs({store("run.json", run_.dump())}).value();
  EXPECT_NE(changes_text(bench, run).error().message().find("nothing of the one has a partner"),
            std::string::npos);
}

}  // namespace
}  // namespace raceless
