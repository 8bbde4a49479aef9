// SPDX-License-Identifier: GPL-2.0
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "benchmarks.h"
#include "clock.h"
#include "storm_run.h"

namespace raceless {
namespace {

void time_replacements(benchmark::State& state, const std::string& way, uint32_t seconds) {
  for ([[maybe_unused]] auto _ : state) {
    const Result<nlohmann::json> run =
        run_storm(fmt::format("--target replace:{} --no-trace", way), seconds);
    if (!run) {
      state.SkipWithError(run.error().message().c_str());
      return;
    }
    const nlohmann::json& counters = run->at("counters");
    const auto number = [&](const char* name) { return counters.at(name).get<double>(); };
    if (number("replacements") == 0) {
      state.SkipWithError("not one replacement");
      return;
    }
    for (const char* name : {"replacements", "gets", "get_failures", "gets_slept"})
      state.counters[name] = number(name);
    for (const char* rank : {"p50", "p99"})
      state.counters[fmt::format("longest_wait_{}", rank)] =
          number(fmt::format("longest_wait_permille_{}", rank).c_str()) / 1000;
    state.SetIterationTime(run->at("context").at("elapsed_ns").get<double>() * 1e-9 /
                           number("replacements"));
  }
}

}  // namespace

Status add_replacements(const BenchDevice& /*device*/, const Settings& settings) {
  for (const char* way : {"side-by-side", "through"})
    benchmark::RegisterBenchmark(
        fmt::format("replacements/{}", way).c_str(),
        [way, seconds = settings.replacing_seconds](benchmark::State& state) {
          time_replacements(state, way, seconds);
        })
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  return {};
}

}  // namespace raceless
