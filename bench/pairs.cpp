// SPDX-License-Identifier: GPL-2.0
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>

#include "benchmarks.h"
#include "kernel_memory.h"
#include "storm/context.h"
#include "uapi/bench.h"

namespace raceless {
namespace {

constexpr uint32_t kNames = 10'000;
// A timed region is long against the time slices of a host whose CPUs the guest's share, or one
// thread works while another, with the lock or without, has no CPU; and short against watchdogs.
constexpr double kRegionNs = 30e6;
constexpr uint64_t kFirstLoops = 1'000;
// Regions that are not timed: they fill the caches, and QEMU's TLB, which grows by half from one to
// the next, and show how many loops make a region.
constexpr int kWarmUps = 4;
// Regions that are: Google Benchmark wants as many in each repetition.
constexpr int kRegions = 2;

struct Pairs {
  std::string mechanism;
  uint32_t threads;
  uint32_t population;
};

uint64_t fitting_loops(uint64_t loops, uint64_t ns) {
  const double fitting =
      static_cast<double>(loops) * kRegionNs / static_cast<double>(std::max<uint64_t>(ns, 1));
  return std::clamp(static_cast<uint64_t>(fitting), kFirstLoops,
                    static_cast<uint64_t>(RACELESS_BENCH_MAX_LOOPS));
}

void time_pairs(benchmark::State& state, const BenchDevice& device, const Settings& settings,
                const Pairs& pairs) {
  const auto region = [&](uint64_t loops) {
    Result<uint64_t> ns =
        device.time_pairs(pairs.mechanism, pairs.threads, loops, pairs.population);
    if (!ns) state.SkipWithError(ns.error().message().c_str());
    return ns;
  };
  uint64_t loops = settings.loops > 0 ? settings.loops : kFirstLoops;
  for (int i = 0; i < kWarmUps; i++) {
    const Result<uint64_t> ns = region(loops);
    if (!ns) return;
    if (settings.loops == 0) loops = fitting_loops(loops, *ns);
  }
  double sum_ns = 0;
  for ([[maybe_unused]] auto _ : state) {
    const Result<uint64_t> ns = region(loops);
    if (!ns) return;
    const double pair_ns = static_cast<double>(*ns) / static_cast<double>(loops);
    sum_ns += pair_ns;
    state.SetIterationTime(pair_ns * 1e-9);
  }
  if (settings.instruction_ns > 0)
    state.counters["instructions"] =
        sum_ns / settings.instruction_ns / static_cast<double>(kRegions);
}

void add(const std::string& part, const BenchDevice& device, const Settings& settings,
         const Pairs& pairs) {
  const std::string names = pairs.population > 1 ? fmt::format("/names:{}", pairs.population) : "";
  benchmark::RegisterBenchmark(
      fmt::format("{}/{}{}/threads:{}", part, pairs.mechanism, names, pairs.threads).c_str(),
      [&device, settings, pairs](benchmark::State& state) {
        time_pairs(state, device, settings, pairs);
      })
      ->Iterations(kRegions)
      ->UseManualTime();
}

// Registers the names, which stay, and says what they take.
void weigh_names(benchmark::State& state, const BenchDevice& device, uint32_t before,
                 uint32_t population) {
  for ([[maybe_unused]] auto _ : state) {
    const Result<uint64_t> few = device.time_pairs("raceless_by_name", 1, 1, before);
    const KernelMemory empty = read_kernel_memory();
    const Result<uint64_t> many = device.time_pairs("raceless_by_name", 1, 1, population);
    const KernelMemory full = read_kernel_memory();
    if (!few || !many) {
      state.SkipWithError((few ? many : few).error().message().c_str());
      return;
    }
    const auto each = [&](uint64_t from, uint64_t to) {
      return (static_cast<double>(to) - static_cast<double>(from)) / (population - before);
    };
    state.counters["slot_bytes"] = static_cast<double>(slab_object_bytes("raceless_slot"));
    state.counters["slab_bytes"] = each(empty.slab_bytes, full.slab_bytes);
    state.counters["percpu_bytes"] = each(empty.percpu_bytes, full.percpu_bytes);
    state.SetIterationTime(static_cast<double>(*many) * 1e-9);
  }
}

}  // namespace

Status add_pairs(const BenchDevice& device, const Settings& settings) {
  const Result<std::vector<std::string>> mechanisms = device.mechanisms();
  if (!mechanisms) return tl::unexpected(mechanisms.error());
  const auto cpus = static_cast<uint32_t>(current_context().vcpus);
  for (const std::string& mechanism : *mechanisms) {
    const bool by_name = mechanism.starts_with("raceless_by_name") || mechanism == "raceless_ask";
    for (uint32_t threads = 1; threads <= cpus; threads *= 2)
      add("pairs", device, settings,
          {mechanism, threads, by_name ? std::min(kNames, settings.names) : 1});
  }
  return {};
}

Status add_names(const BenchDevice& device, const Settings& settings) {
  uint32_t before = 1;
  for (uint32_t population = 10; population <= settings.names; population *= 10) {
    benchmark::RegisterBenchmark(fmt::format("names/memory/names:{}", population).c_str(),
                                 [&device, before, population](benchmark::State& state) {
                                   weigh_names(state, device, before, population);
                                 })
        ->UseManualTime()
        ->Iterations(1)
        ->Repetitions(1);
    for (const char* mechanism : {"raceless_by_name", "raceless_by_name_of_ten"})
      add("names", device, settings, {mechanism, 1, population});
    before = population;
  }
  return {};
}

}  // namespace raceless
