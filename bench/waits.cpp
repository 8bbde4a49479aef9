// SPDX-License-Identifier: GPL-2.0
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "benchmarks.h"

namespace raceless {
namespace {

void time_wait(benchmark::State& state, const BenchDevice& device, const std::string& wait,
               uint32_t batch) {
  for ([[maybe_unused]] auto _ : state) {
    const Result<uint64_t> ns = device.time_wait(wait, batch);
    if (!ns) {
      state.SkipWithError(ns.error().message().c_str());
      return;
    }
    state.SetIterationTime(static_cast<double>(*ns) * 1e-9);
  }
}

}  // namespace

Status register_waits(const BenchDevice& device) {
  const Result<std::vector<std::string>> waits = device.waits();
  if (!waits) return tl::unexpected(waits.error());
  for (const std::string& wait : *waits)
    for (uint32_t batch : {1U, 8U, 64U}) {
      // The others have no batch: many of them are one after the other.
      if (batch > 1 && wait != "raceless_unregister") continue;
      benchmark::RegisterBenchmark(fmt::format("wait/{}/batch:{}", wait, batch).c_str(),
                                   [&device, wait, batch](benchmark::State& state) {
                                     time_wait(state, device, wait, batch);
                                   })
          ->UseManualTime();
    }
  return {};
}

}  // namespace raceless
