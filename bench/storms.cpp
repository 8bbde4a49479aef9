// SPDX-License-Identifier: GPL-2.0
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "benchmarks.h"
#include "clock.h"
#include "module_loader.h"
#include "storm_run.h"
#include "targets/workload.h"
#include "text_file.h"

namespace raceless {
namespace {

constexpr char kModule[] = "raceless_nothing";
constexpr char kCycles[] = "/sys/module/raceless_bench/parameters/cycles";

struct Cycles {
  uint64_t ns = 0;
  uint64_t number = 0;
};

using Loop = std::function<Result<Cycles>(uint32_t seconds)>;

// How often the module has gone, as the kernel saw it.
uint64_t gone() { return std::strtoull(first_line(kCycles).c_str(), nullptr, 10); }

Result<Cycles> raw_loop(uint32_t seconds) {
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return tl::unexpected(loader.error());
  Result<KernelModule> module = loader->find(kModule);
  if (!module) return tl::unexpected(module.error());
  const uint64_t start_ns = now_ns();
  const uint64_t before = gone();
  while (now_ns() < start_ns + seconds * kNsPerSecond) {
    int error = module->load();
    if (error == 0) error = delete_module(kModule);
    if (error != 0) return fail(error, fmt::format("cannot load and unload {}", kModule));
  }
  return Cycles{now_ns() - start_ns, gone() - before};
}

// A command that would go on for ever, or would end a little after its time. On a slow guest one
// cycle may take longer than that: then it is that one.
Result<Cycles> command_loop(const std::string& command, uint32_t seconds) {
  const uint64_t start_ns = now_ns();
  const uint64_t before = gone();
  Result<Workload> workload = Workload::start(command);
  if (!workload) return tl::unexpected(workload.error());
  bool ended = workload->wait(seconds * kNsPerSecond);
  while (!ended && gone() == before && now_ns() < start_ns + (seconds + 60) * kNsPerSecond)
    ended = workload->wait(10 * kNsPerMs);
  const Cycles cycles{now_ns() - start_ns, gone() - before};
  if (ended && !cycles.number) return fail(0, command + ": " + workload->end().describe());
  return cycles;
}

// What the storm says of its own time, which begins when all is attached.
Result<Cycles> storm(const std::string& option, uint32_t seconds) {
  const Result<nlohmann::json> run =
      run_storm(fmt::format("--target load:{} {}", kModule, option), seconds);
  if (!run) return tl::unexpected(run.error());
  return Cycles{run->at("context").at("elapsed_ns").get<uint64_t>(),
                run->at("counters").at("unloads").get<uint64_t>()};
}

void time_cycles(benchmark::State& state, const Loop& loop, uint32_t seconds) {
  for ([[maybe_unused]] auto _ : state) {
    const Result<Cycles> cycles = loop(seconds);
    // A loop that was ended may have left it.
    if (const int refused = delete_module(kModule); refused != 0 && refused != ENOENT)
      return state.SkipWithError(
          Error{refused, fmt::format("cannot unload {}", kModule)}.message().c_str());
    if (!cycles || cycles->number == 0)
      return state.SkipWithError(cycles ? "not one cycle" : cycles.error().message().c_str());
    const auto number = static_cast<double>(cycles->number);
    state.counters["cycles"] = number;
    state.SetIterationTime(static_cast<double>(cycles->ns) * 1e-9 / number);
  }
}

// There are versions without it, Debian 12's among them.
bool stress_ng_has_module() {
  Result<Workload> help = Workload::start("stress-ng --help | grep -q -e ' --module N'");
  return help && help->wait(30 * kNsPerSecond) && help->end().ok();
}

}  // namespace

Status add_storms(const BenchDevice& /*device*/, const Settings& settings) {
  const auto add = [&settings](const char* name, const Loop& loop) {
    benchmark::RegisterBenchmark(name,
                                 [loop, seconds = settings.seconds](benchmark::State& state) {
                                   time_cycles(state, loop, seconds);
                                 })
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  };
  add("storms/raw", raw_loop);
  add("storms/modprobe", [](uint32_t seconds) {
    return command_loop(fmt::format("while modprobe {0} && modprobe -r {0}; do :; done", kModule),
                        seconds);
  });
  if (stress_ng_has_module())
    add("storms/stress_ng", [](uint32_t seconds) {
      return command_loop(
          fmt::format("exec stress-ng -q --module 1 --module-name {} -t {}s", kModule, seconds + 1),
          seconds);
    });
  add("storms/raceless", [](uint32_t seconds) { return storm("--no-trace", seconds); });
  add("storms/raceless_traced", [](uint32_t seconds) { return storm("--trace", seconds); });
  return {};
}

}  // namespace raceless
