// SPDX-License-Identifier: GPL-2.0
#include "targets/replace_target.h"

#include <fmt/format.h>

#include "clock.h"
#include "targets/eventually.h"
#include "targets/registry_workers.h"

namespace raceless {

namespace {

constexpr const char* kVersions[] = {"raceless_sample_null", "raceless_sample_null_next"};

// Replaces the version that is there by the other one.
class Replacer : public Worker {
 public:
  static Result<std::unique_ptr<Worker>> create(Surroundings surroundings, RegistryScene& scene,
                                                ReplaceScene& replace) {
    Result<ModuleLoader> loader = ModuleLoader::create();
    if (!loader) return tl::unexpected(loader.error());
    std::vector<KernelModule> versions;
    for (const char* name : kVersions) {
      Result<KernelModule> module = loader->find(name);
      if (!module) return tl::unexpected(module.error());
      versions.push_back(std::move(*module));
    }
    Result<Device> device = Device::open();
    if (!device) return tl::unexpected(device.error());
    return std::unique_ptr<Worker>(new Replacer(std::move(surroundings), scene, replace,
                                                std::move(*loader), std::move(versions),
                                                std::move(*device)));
  }

  void run(const Op& /*op*/) override {
    const std::lock_guard lock(replace_.one_at_a_time);
    const Result<Provided> old = provided(scene_.provider);
    if (!old) return broken(old.error().message());
    KernelModule& next = versions_[old->module == kVersions[0] ? 1 : 0];
    const Replacement replacement{scene_.provider, "", scene_.timeout_ns};
    ReplaceSteps steps;
    const Status status = replace_.way == ReplaceWay::through
                              ? replace_through(device_, next, replacement, steps)
                              : replace_side_by_side(next, replacement, steps);
    count(steps);
    if (!status) return broken(status.error().message());
    scene_.instances.destroyed(old->instance);
    replace_.replacements++;
    if (replace_.way == ReplaceWay::through)
      scene_.log->replaced(steps.publish, steps.unload_ns + steps.load_ns);
  }

 private:
  Replacer(Surroundings surroundings, RegistryScene& scene, ReplaceScene& replace,
           ModuleLoader loader, std::vector<KernelModule> versions, Device device)
      : surroundings_(std::move(surroundings)),
        scene_(scene),
        replace_(replace),
        loader_(std::move(loader)),
        versions_(std::move(versions)),
        device_(std::move(device)) {}

  // As a loader and an unloader count, each call of the kernel once.
  void count(const ReplaceSteps& steps) {
    Tally& tally = surroundings_.tally;
    const bool through = replace_.way == ReplaceWay::through;
    if (steps.unload) {
      tally.add(Breakdown::unloads_by_outcome, "unload " + outcome_name(*steps.unload));
      tally.add(*steps.unload == 0 ? Count::unloads : Count::unload_failures);
      if (*steps.unload == 0) tally.record(Latency::unload, steps.unload_ns);
    }
    for (const int error : steps.deletes) {
      tally.add(Breakdown::unloads_by_outcome,
                (through ? "held delete " : "delete ") + outcome_name(error));
      if (through) continue;
      tally.add(error == 0 ? Count::unloads : Count::unload_failures);
      if (error == 0) tally.record(Latency::unload, steps.retire_ns);
    }
    if (!steps.load) return;
    tally.add(Breakdown::loads_by_outcome, outcome_name(*steps.load));
    tally.add(*steps.load == 0 ? Count::loads : Count::load_failures);
    if (*steps.load == 0) tally.record(Latency::load, steps.load_ns);
  }

  void broken(const std::string& what) {
    surroundings_.findings.report({RACELESS_PROMISE_WEAK_HANDLE, what, 0, surroundings_.thread, 0});
  }

  Surroundings surroundings_;
  RegistryScene& scene_;
  ReplaceScene& replace_;
  ModuleLoader loader_;
  std::vector<KernelModule> versions_;
  Device device_;
};

}  // namespace

ReplaceTarget::ReplaceTarget(const Parameters& parameters, ReplaceWay way)
    : RegistryTarget(parameters, "null") {
  replace_.way = way;
  scene().log = &log_;
  scene().side_by_side = way == ReplaceWay::side_by_side;
}

ReplaceTarget::~ReplaceTarget() {
  if (!scene().exercise) return;  // prepare() did nothing
  for (const char* version : kVersions) (void)delete_module(version);
}

Crews ReplaceTarget::default_crews() const {
  return {{{1, {0, 20 * kNsPerMs, 25}},   // loaders: they replace
           {0, {}},                       // unloaders
           {8, {0, 1 * kNsPerMs, 75}}}};  // consumers
}

// There are two modules.
Tracing::Options ReplaceTarget::tracing_options() const {
  Tracing::Options options = RegistryTarget::tracing_options();
  options.modules.clear();
  return options;
}

Status ReplaceTarget::make_exercise() {
  scene().exercise = std::make_unique<VersionExercise>();
  return {};
}

Result<std::unique_ptr<Worker>> ReplaceTarget::make_worker(Surroundings surroundings) {
  if (surroundings.role == Role::loader)
    return Replacer::create(std::move(surroundings), scene(), replace_);
  return RegistryTarget::make_worker(std::move(surroundings));
}

Status ReplaceTarget::rest(Tally& /*tally*/) { return await_no_users(); }

TestedCode ReplaceTarget::tested_code() const {
  TestedCode code = RegistryTarget::tested_code();
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (loader)
    if (const Result<KernelModule> next = loader->find(kVersions[1]))
      code.add(kVersions[1], next->path());
  return code;
}

void ReplaceTarget::check_end(Findings& findings) {
  check_during(findings);  // the numbers as they are before the check's own get
  slept_ = since_start("waits") + since_start("dozes");
  if (scene().side_by_side && slept_ != 0)
    findings.report({RACELESS_PROMISE_WEAK_HANDLE,
                     fmt::format("{} gets slept while the provider was replaced", slept_), 0, "end",
                     0});
  if (const Result<Provided> now = provided(scene().provider)) scene().module = now->module;
  RegistryTarget::check_end(findings);
}

std::map<std::string, uint64_t> ReplaceTarget::extra_counters() const {
  std::map<std::string, uint64_t> counters = RegistryTarget::extra_counters();
  const std::vector<uint64_t> permille = log_.permille();
  counters["replacements"] = replace_.replacements;
  counters["gets_slept"] = slept_;
  for (const auto& [name, percent] :
       {std::pair("p50", 50U), std::pair("p99", 99U), std::pair("max", 100U)})
    counters[std::string("longest_wait_permille_") + name] = percentile(permille, percent);
  const auto& exercise = static_cast<const VersionExercise&>(*scene().exercise);
  for (uint32_t version = 1; version <= VersionExercise::kVersions; version++)
    counters[fmt::format("served_by_version_{}", version)] = exercise.served(version);
  return counters;
}

std::string ReplaceTarget::summary_lines() const {
  std::string text = fmt::format("replacements: {}, {}; gets that slept: {}, by the registry\n",
                                 replace_.replacements, way_name(replace_.way), slept_);
  if (replace_.way != ReplaceWay::through) return text;
  const std::vector<uint64_t> permille = log_.permille();
  const auto ratio = [&](uint64_t percent) {
    return static_cast<double>(percentile(permille, percent)) / 1000;
  };
  return text + fmt::format(
                    "longest wait of a get / unload and load of its replacement: p50 "
                    "{:.2f}, p99 {:.2f}, max {:.2f}\n",
                    ratio(50), ratio(99), ratio(100));
}

}  // namespace raceless
