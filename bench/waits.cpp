// SPDX-License-Identifier: GPL-2.0
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <memory>

#include "benchmarks.h"
#include "clock.h"
#include "module_loader.h"

namespace raceless {
namespace {

constexpr uint32_t kInARow = 32;
constexpr char kPolite[] = "/sys/module/raceless/parameters/polite";

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

void add(const std::string& name, uint32_t batch,
         const std::function<void(benchmark::State&)>& run) {
  benchmark::RegisterBenchmark(fmt::format("waits/{}/batch:{}", name, batch).c_str(), run)
      ->Iterations(1)
      ->UseManualTime();
}

void add(const BenchDevice& device, const std::string& wait, uint32_t batch) {
  add(wait, batch,
      [&device, wait, batch](benchmark::State& state) { time_wait(state, device, wait, batch); });
}

bool set_polite(bool polite) {
  std::ofstream parameter(kPolite);
  parameter << polite << std::flush;
  return parameter.good();
}

// The same with normal grace periods, which are what most of the kernel waits for.
void add_polite(const BenchDevice& device, const std::string& wait, uint32_t batch) {
  add(wait + "_politely", batch, [&device, wait, batch](benchmark::State& state) {
    if (!set_polite(true)) return state.SkipWithError(kPolite);
    time_wait(state, device, wait, batch);
    if (!set_polite(false)) state.SkipWithError(kPolite);
  });
}

// What is waited for in a plain unload: the delete_module of a module that does nothing.
void time_rmmod(benchmark::State& state, KernelModule& module) {
  for ([[maybe_unused]] auto _ : state) {
    int error = module.load();
    const uint64_t start_ns = now_ns();
    if (error == 0) error = delete_module(module.name());
    if (error != 0) {
      state.SkipWithError(
          Error{error, "cannot load and unload " + module.name()}.message().c_str());
      return;
    }
    state.SetIterationTime(static_cast<double>(now_ns() - start_ns) * 1e-9);
  }
}

Status add_rmmod() {
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return tl::unexpected(loader.error());
  Result<KernelModule> module = loader->find("raceless_nothing");
  if (!module) return tl::unexpected(module.error());
  struct Loaded {
    ModuleLoader loader;  // outlives the module
    KernelModule module;
  };
  const auto loaded = std::make_shared<Loaded>(Loaded{std::move(*loader), std::move(*module)});
  add("rmmod", 1, [loaded](benchmark::State& state) { time_rmmod(state, loaded->module); });
  return {};
}

}  // namespace

Status add_waits(const BenchDevice& device, const Settings& settings) {
  const Result<std::vector<std::string>> waits = device.waits();
  if (!waits) return tl::unexpected(waits.error());
  for (const std::string& wait : *waits) {
    add(device, wait, 1);
    if (wait == "raceless_unregister" || wait == "raceless_destroyed")
      for (uint32_t batch : {8U, 64U}) add(device, wait, batch);
    if (wait == "raceless_destroyed")
      for (uint32_t batch : {1U, 64U}) add_polite(device, wait, batch);
    // One after the other, as fast as they go.
    if (wait == "raceless_lifecycle" || wait == "synchronize_rcu_expedited")
      add(device, wait, kInARow);
    if (wait.starts_with("crowd_"))
      for (uint32_t batch = 10; batch <= settings.waiters; batch *= 10) add(device, wait, batch);
  }
  return add_rmmod();
}

}  // namespace raceless
