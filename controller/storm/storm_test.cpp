// SPDX-License-Identifier: GPL-2.0
// The storm itself, on a target that needs no module.
#include "storm/storm.h"

#include <gtest/gtest.h>

#include <csignal>
#include <mutex>
#include <thread>

#include "clock.h"

namespace raceless {
namespace {

// What the target of a test shall do.
struct Script {
  uint64_t op_ns = 0;           // each operation sleeps for so long
  uint64_t close_ns = 0;        // and each worker, when it is closed
  bool breaks_promise = false;  // the first one does
  bool cannot_prepare = false;
  std::atomic<int> ops = 0;
  std::atomic<int> ended_workers = 0;
  std::atomic<int> end_checks = 0;
  std::atomic<int> under_way = 0;  // operations
  int rests = 0;
  int rests_seen = 0;  // by the last check of the target's numbers
  bool rested_alone = true;
  std::mutex mutex;
  std::map<std::string, std::vector<Op>> seen;  // by thread
};

class ScriptedWorker : public Worker {
 public:
  ScriptedWorker(Surroundings surroundings, Script& script)
      : surroundings_(std::move(surroundings)), script_(script) {}
  ~ScriptedWorker() override {
    std::this_thread::sleep_for(std::chrono::nanoseconds(script_.close_ns));
    script_.ended_workers++;
  }

  void run(const Op& op) override {
    surroundings_.tally.add(Count::uses);
    surroundings_.tally.record(Latency::use, 1000);
    if (script_.ops++ == 0 && script_.breaks_promise)
      surroundings_.findings.report({4, "two flights", 0, surroundings_.thread, 12});
    {
      const std::lock_guard lock(script_.mutex);
      script_.seen[surroundings_.thread].push_back(op);
    }
    script_.under_way++;
    if (surroundings_.role == Role::unloader) surroundings_.tally.add(Count::unloads);
    std::this_thread::sleep_for(std::chrono::nanoseconds(script_.op_ns));
    script_.under_way--;
  }

 private:
  Surroundings surroundings_;
  Script& script_;
};

class ScriptedTarget : public Target {
 public:
  explicit ScriptedTarget(Script& script) : script_(script) {}

  Crews default_crews() const override {
    return {{{1, {kNsPerMs, kNsPerMs, 0}}, {1, {kNsPerMs, kNsPerMs, 0}}, {2, {0, kNsPerMs, 0}}}};
  }
  Tracing::Options tracing_options() const override { return {}; }
  Status prepare() override {
    if (script_.cannot_prepare) return fail(EPERM, "cannot prepare");
    return {};
  }
  Result<std::unique_ptr<Worker>> make_worker(Surroundings surroundings) override {
    return std::make_unique<ScriptedWorker>(std::move(surroundings), script_);
  }
  Status rest(Tally& tally) override {
    script_.rests++;
    if (script_.under_way != 0) script_.rested_alone = false;
    tally.add(Count::uses);
    return {};
  }
  void check_during(Findings&) override { script_.rests_seen = script_.rests; }
  void check_end(Findings&) override { script_.end_checks++; }
  uint64_t reloads(const Counts& totals) const override { return get(totals, Count::uses) / 2; }

 private:
  Script& script_;
};

class StormTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!KernelLog::open()) GTEST_SKIP() << "needs to read /dev/kmsg";
    parameters_.duration_ns = kNsPerSecond;
    parameters_.trace = false;
    parameters_.leak_check_unloads = 0;
  }

  std::unique_ptr<StormResult> run() {
    Result<std::unique_ptr<Storm>> storm =
        Storm::prepare(parameters_, std::make_unique<ScriptedTarget>(script_));
    if (!storm) throw std::runtime_error(storm.error().message());
    const Result<Signals> signals = Signals::catch_all();
    if (!signals) throw std::runtime_error(signals.error().message());
    std::unique_ptr<StormResult> result =
        (*storm)->run(*signals, [this](const Sample&) { progressed_++; });
    if (result->stuck) (void)storm->release();
    return result;
  }

  Parameters parameters_;
  Script script_;
  int progressed_ = 0;
};

TEST_F(StormTest, RunsAllRolesForItsTimeAndPasses) {
  const auto result = run();
  EXPECT_TRUE(result->passed());
  EXPECT_FALSE(result->stuck);
  EXPECT_FALSE(result->interrupted);
  EXPECT_GE(result->elapsed_ns, parameters_.duration_ns);
  EXPECT_EQ(script_.seen.size(), 4U);
  EXPECT_EQ(script_.ended_workers, 4);
  EXPECT_EQ(script_.end_checks, 1);
  EXPECT_GT(progressed_, 0);
  const Counts counts = result->tally.counts();
  EXPECT_EQ(get(counts, Count::uses), static_cast<uint64_t>(script_.ops));
  EXPECT_EQ(result->tally.histogram(Latency::use).count(), get(counts, Count::uses));
}

TEST_F(StormTest, SamplesAreCumulative) {
  const auto result = run();
  ASSERT_GE(result->series.size(), 3U);
  for (size_t i = 1; i < result->series.size(); i++) {
    EXPECT_GT(result->series[i].time_ns, result->series[i - 1].time_ns);
    EXPECT_GE(get(result->series[i].counts, Count::uses),
              get(result->series[i - 1].counts, Count::uses));
  }
}

TEST_F(StormTest, TheFirstSampleIsOfTheBegin) {
  bool was = false;
  // its threads may start late
  for (int attempt = 0; attempt < 10 && !was; attempt++)
    was = run()->series.front().time_ns < 50 * kNsPerMs;
  EXPECT_TRUE(was);
}

TEST_F(StormTest, ABrokenPromiseFailsItAndSaysWhatWhenWhoAndWhich) {
  script_.breaks_promise = true;
  const auto result = run();
  EXPECT_FALSE(result->passed());
  ASSERT_EQ(result->findings.size(), 1U);
  const Finding& finding = result->findings[0];
  EXPECT_EQ(finding.promise, 4U);
  EXPECT_EQ(finding.what, "two flights");
  EXPECT_EQ(finding.instance, 12U);
  EXPECT_NE(finding.thread.find('-'), std::string::npos);
  EXPECT_LT(finding.when_ns, parameters_.duration_ns);
}

TEST_F(StormTest, RestsAfterSoManyUnloadsWithNobodyAtWork) {
  parameters_.leak_check_unloads = 2;
  parameters_.duration_ns = 3 * kNsPerSecond;
  script_.op_ns = 2 * kNsPerMs;
  const auto result = run();
  EXPECT_TRUE(script_.rested_alone);
  EXPECT_GE(result->rests, 2U);
  // One more before the storm; each counts as its target says.
  EXPECT_EQ(static_cast<uint64_t>(script_.rests), result->rests + 1);
  EXPECT_EQ(get(result->tally.counts(), Count::uses),
            static_cast<uint64_t>(script_.ops + script_.rests));
  EXPECT_EQ(script_.rests_seen, script_.rests);
}

TEST_F(StormTest, TheSameSeedDoesTheSame) {
  (void)run();
  const auto first = script_.seen;
  script_.seen.clear();
  (void)run();
  ASSERT_EQ(script_.seen.size(), first.size());
  for (const auto& [thread, ops] : first) {
    const size_t common = std::min(ops.size(), script_.seen[thread].size());
    ASSERT_GT(common, 0U);
    for (size_t i = 0; i < common; i++) EXPECT_EQ(ops[i], script_.seen[thread][i]) << thread;
  }
}

TEST_F(StormTest, AStuckThreadBreaksPromiseSix) {
  parameters_.stuck_after_ns = 200 * kNsPerMs;
  script_.op_ns = 3 * kNsPerSecond;
  const auto result = run();
  EXPECT_TRUE(result->stuck);
  EXPECT_FALSE(result->passed());
  EXPECT_EQ(script_.end_checks, 0);
  ASSERT_FALSE(result->findings.empty());
  EXPECT_EQ(result->findings[0].promise, 6U);
  // They use the script: it has to outlive them.
  while (script_.ended_workers < 4) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

// Its clock begins with the close, after the last operation.
TEST_F(StormTest, AThreadThatGetsStuckAsItClosesDoesToo) {
  parameters_.stuck_after_ns = 1000 * kNsPerMs;
  script_.op_ns = 700 * kNsPerMs;
  script_.close_ns = 3 * kNsPerSecond;
  const auto result = run();
  EXPECT_TRUE(result->stuck);
  EXPECT_FALSE(result->passed());
  EXPECT_EQ(result->nr_findings, 4U);
  while (script_.ended_workers < 4) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

TEST_F(StormTest, TheFirstSignalEndsItEarlyWithAResult) {
  parameters_.duration_ns = 60 * kNsPerSecond;
  const uint64_t start_ns = now_ns();
  std::thread interrupter([this] {
    while (script_.ops == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::raise(SIGINT);
  });
  const auto result = run();
  interrupter.join();
  EXPECT_TRUE(result->interrupted);
  EXPECT_TRUE(result->passed());
  EXPECT_LT(now_ns() - start_ns, 10 * kNsPerSecond);
}

TEST_F(StormTest, ATargetThatCannotBePreparedIsAnError) {
  script_.cannot_prepare = true;
  const auto storm = Storm::prepare(parameters_, std::make_unique<ScriptedTarget>(script_));
  ASSERT_FALSE(storm);
  EXPECT_EQ(storm.error().code, EPERM);
}

}  // namespace
}  // namespace raceless
