// SPDX-License-Identifier: GPL-2.0
#include "targets/policy_target.h"

#include <fmt/format.h>
#include <unistd.h>

#include "clock.h"
#include "module_loader.h"
#include "targets/eventually.h"
#include "targets/policy_workers.h"
#include "uapi/raceless.h"

namespace raceless {

namespace {

constexpr const char* kModule = "raceless_policies";

}  // namespace

PolicyTarget::PolicyTarget(std::string policy) : policy_(std::move(policy)) {}

PolicyTarget::~PolicyTarget() {
  device_.reset();
  if (prepared_) (void)delete_module(kModule);
}

Crews PolicyTarget::default_crews() const {
  return {{{1, {0, 20 * kNsPerMs, 0}},     // loaders
           {1, {0, 10 * kNsPerMs, 25}},    // unloaders
           {4, {0, 20 * kNsPerMs, 25}}}};  // consumers
}

uint64_t PolicyTarget::max_hold_ns() const { return 5 * kNsPerMs; }

Tracing::Options PolicyTarget::tracing_options() const {
  Tracing::Options options;
  options.registry = true;
  options.module_gets = false;
  options.modules = {kModule};
  options.tgid = getpid();
  options.pin_dir = Tracing::default_pin_dir;
  return options;
}

Status PolicyTarget::prepare() {
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return tl::unexpected(loader.error());
  Result<KernelModule> module = loader->find(kModule);
  if (!module)
    return fail(0, module.error().message() + "; use the VM: make storm, or make vm-shell");
  if (Status loaded = module->load_with_dependencies(); !loaded) return loaded;
  prepared_ = true;
  Result<PolicyDevice> device = PolicyDevice::open(policy_);
  if (!device) return tl::unexpected(device.error());
  device_.emplace(std::move(*device));
  // All begin alike: with nothing.
  if (Status unloaded = unload_at_rest(); !unloaded) return unloaded;
  const Result<raceless_policy_counts> counts = device_->counts();
  if (!counts) return tl::unexpected(counts.error());
  at_start_ = now_ = *counts;
  return {};
}

Status PolicyTarget::unload_at_rest() {
  int error = 0;
  const bool absent = eventually([&] {
    error = device_->unload();
    return error == 0 || error == ENOENT;
  });
  if (absent) return {};
  return fail(error, "cannot unload the resource of " + policy_ + ", though nobody uses it");
}

Result<std::unique_ptr<Worker>> PolicyTarget::make_worker(Surroundings surroundings) {
  Result<PolicyDevice> device = PolicyDevice::open(policy_);
  if (!device) return tl::unexpected(device.error());
  if (surroundings.role == Role::loader)
    return std::make_unique<PolicyLoader>(std::move(surroundings), std::move(*device));
  if (surroundings.role == Role::unloader)
    return std::make_unique<PolicyUnloader>(std::move(surroundings), std::move(*device));
  const bool never_fails = policy_ == kPolicies.front();
  return std::make_unique<PolicyConsumer>(std::move(surroundings), std::move(*device), never_fails);
}

void PolicyTarget::check_during(Findings& findings) {
  const Result<raceless_policy_counts> counts = device_->counts();
  if (!counts) {
    findings.report({RACELESS_PROMISE_NONE, counts.error().message(), 0, "kernel", 0});
    return;
  }
  now_ = *counts;
  const uint64_t broken = now_.broken - at_start_.broken;
  if (broken == broken_) return;
  findings.report({RACELESS_PROMISE_NO_USE_AFTER_DESTROY,
                   fmt::format("the resource of {} has seen it {} times", policy_, broken), 0,
                   "kernel", 0});
  broken_ = broken;
}

void PolicyTarget::check_end(Findings& findings) {
  // With nobody about: it can be unloaded, used, which loads it, and unloaded again.
  const auto broken = [&](const std::string& what) {
    findings.report({RACELESS_PROMISE_NONE, "after the storm: " + what, 0, "end", 0});
  };
  if (const Status unloaded = unload_at_rest(); !unloaded) broken(unloaded.error().message());
  uint64_t get_ns = 0;
  if (const int error = device_->use(1, 0, get_ns); error != 0)
    broken(Error{error, "cannot use the resource of " + policy_}.message());
  if (const Status unloaded = unload_at_rest(); !unloaded) broken(unloaded.error().message());
  check_during(findings);
}

uint64_t PolicyTarget::reloads(const Counts& totals) const {
  // Of all instances, those that no loader made; a sample may be older than the loaders' count.
  const uint64_t made = now_.instances - at_start_.instances;
  const uint64_t loads = get(totals, Count::loads);
  return made > loads ? made - loads : 0;
}

std::map<std::string, uint64_t> PolicyTarget::extra_counters() const {
  return {{"policy_instances", now_.instances - at_start_.instances},
          {"policy_revivals", now_.revivals - at_start_.revivals},
          {"policy_lost_races", now_.lost_races - at_start_.lost_races},
          {"policy_contended", now_.contended - at_start_.contended},
          {"policy_contended_ns", now_.contended_ns - at_start_.contended_ns},
          {"policy_broken", now_.broken - at_start_.broken}};
}

Result<std::unique_ptr<Target>> make_policy_target(const Parameters& /*parameters*/,
                                                   const std::string& policy) {
  if (Status valid = check_policy_name(policy); !valid) return tl::unexpected(valid.error());
  return std::make_unique<PolicyTarget>(policy);
}

}  // namespace raceless
