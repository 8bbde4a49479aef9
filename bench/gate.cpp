// SPDX-License-Identifier: GPL-2.0
#include "gate/gate.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <optional>

#include "benchmarks.h"
#include "clock.h"
#include "file_descriptor.h"
#include "gate/gate_setting.h"
#include "module_loader.h"

namespace raceless {
namespace {

// A region is timed as a whole; the first ones fill caches and are not.
constexpr int kWarmUps = 2;
constexpr int kRegions = 2;

// Something that meets no dying module, done so often. ns.
using Work = std::function<Result<uint64_t>(uint64_t loops)>;

struct Idle {
  const char* what;
  uint64_t loops;
  Work work;
};

// The gate as the last benchmark wanted it, and as it was before them in the end.
using Setting = std::shared_ptr<std::optional<GateSetting>>;

// The time of this thread alone: others that run, and what it waits for, cost it nothing.
uint64_t thread_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<uint64_t>(time.tv_sec) * kNsPerSecond + static_cast<uint64_t>(time.tv_nsec);
}

Result<uint64_t> sockets(int family, int type, uint64_t loops) {
  const uint64_t start_ns = thread_ns();
  for (uint64_t i = 0; i < loops; i++) {
    const FileDescriptor socket(::socket(family, type | SOCK_CLOEXEC, 0));
    if (!socket) return fail_errno("cannot create a socket");
  }
  return thread_ns() - start_ns;
}

Result<uint64_t> mounts(uint64_t loops) {
  std::string folder = "/tmp/raceless-bench-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return fail_errno("cannot create a folder in /tmp");
  const uint64_t start_ns = thread_ns();
  Status mounted;
  for (uint64_t i = 0; i < loops && mounted; i++)
    if (mount("none", folder.c_str(), "configfs", 0, nullptr) != 0 ||
        umount2(folder.c_str(), 0) != 0)
      mounted = fail_errno("cannot mount configfs, and unmount it");
  const uint64_t ns = thread_ns() - start_ns;
  rmdir(folder.c_str());
  if (!mounted) return tl::unexpected(mounted.error());
  return ns;
}

// The loads alone.
Result<uint64_t> loads(uint64_t loops) {
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return tl::unexpected(loader.error());
  Result<KernelModule> module = loader->find("raceless_nothing");
  if (!module) return tl::unexpected(module.error());
  uint64_t ns = 0;
  for (uint64_t i = 0; i < loops; i++) {
    const uint64_t start_ns = thread_ns();
    const int error = module->load();
    ns += thread_ns() - start_ns;
    if (error != 0) return fail(error, "cannot load " + module->name());
    if (const int refused = delete_module(module->name()); refused != 0)
      return fail(refused, "cannot unload " + module->name());
  }
  return ns;
}

void time_idle(benchmark::State& state, const Settings& settings, const Setting& setting, bool on,
               const Idle& idle) {
  const auto give_up = [&](const Error& error) { state.SkipWithError(error.message().c_str()); };
  if (!*setting || Gate::is_on() != on) {
    Result<GateSetting> set = GateSetting::set(on);
    if (!set) return give_up(set.error());
    if (!*setting)
      setting->emplace(std::move(*set));
    else
      set->keep();
  }
  for (int i = 0; i < kWarmUps; i++)
    if (const Result<uint64_t> ns = idle.work(idle.loops); !ns) return give_up(ns.error());
  double sum_ns = 0;
  for ([[maybe_unused]] auto _ : state) {
    const Result<uint64_t> ns = idle.work(idle.loops);
    if (!ns) return give_up(ns.error());
    const double each_ns = static_cast<double>(*ns) / static_cast<double>(idle.loops);
    sum_ns += each_ns;
    state.SetIterationTime(each_ns * 1e-9);
  }
  if (settings.instruction_ns > 0)
    state.counters["instructions"] =
        sum_ns / settings.instruction_ns / static_cast<double>(kRegions);
}

}  // namespace

Status add_gate(const BenchDevice& device, const Settings& settings) {
  const auto setting = std::make_shared<std::optional<GateSetting>>();
  const std::vector<Idle> all = {
      {"get_put", 1000,
       [&device](uint64_t loops) { return device.time_pairs("try_module_get", 1, loops, 1); }},
      {"socket_inet", 200, [](uint64_t loops) { return sockets(AF_INET, SOCK_DGRAM, loops); }},
      {"socket_kcm", 200, [](uint64_t loops) { return sockets(AF_KCM, SOCK_DGRAM, loops); }},
      {"mount_configfs", 20, mounts},
      {"load", 4, loads},
  };
  for (const bool on : {false, true})
    for (const Idle& idle : all)
      benchmark::RegisterBenchmark(fmt::format("gate/{}/on:{:d}", idle.what, on).c_str(),
                                   [settings, setting, on, idle](benchmark::State& state) {
                                     time_idle(state, settings, setting, on, idle);
                                   })
          ->Iterations(kRegions)
          ->UseManualTime();
  return {};
}

}  // namespace raceless
