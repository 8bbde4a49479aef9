// SPDX-License-Identifier: GPL-2.0
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "benchmarks.h"
#include "storm/context.h"

namespace raceless {
namespace {

constexpr uint32_t kNames = 10'000;
// One timed region; long against the start of its threads, short against the watchdogs.
constexpr uint64_t kLoops = 20'000;

void time_pairs(benchmark::State& state, const BenchDevice& device, const std::string& mechanism,
                uint32_t threads, uint32_t population) {
  while (state.KeepRunningBatch(kLoops)) {
    const Result<uint64_t> ns = device.time_pairs(mechanism, threads, kLoops, population);
    if (!ns) {
      state.SkipWithError(ns.error().message().c_str());
      return;
    }
    state.SetIterationTime(static_cast<double>(*ns) * 1e-9);
  }
}

void add(const BenchDevice& device, const std::string& mechanism, uint32_t threads,
         uint32_t population) {
  const std::string names = population > 1 ? fmt::format("/names:{}", population) : "";
  benchmark::RegisterBenchmark(
      fmt::format("pairs/{}{}/threads:{}", mechanism, names, threads).c_str(),
      [&device, mechanism, threads, population](benchmark::State& state) {
        time_pairs(state, device, mechanism, threads, population);
      })
      ->UseManualTime();
}

}  // namespace

Status register_counts(const BenchDevice& device) {
  const Result<std::vector<std::string>> mechanisms = device.mechanisms();
  if (!mechanisms) return tl::unexpected(mechanisms.error());
  const auto cpus = static_cast<uint32_t>(current_context().vcpus);
  for (const std::string& mechanism : *mechanisms) {
    const bool by_name = mechanism == "raceless_by_name";
    for (uint32_t threads = 1; threads <= cpus; threads *= 2)
      add(device, mechanism, threads, by_name ? kNames : 1);
    if (!by_name) continue;
    for (uint32_t population : {10U, 1'000U}) add(device, mechanism, 1, population);
  }
  return {};
}

}  // namespace raceless
