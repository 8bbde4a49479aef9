// SPDX-License-Identifier: GPL-2.0
#include "targets/module_cycle.h"

#include <fmt/format.h>

#include "clock.h"
#include "result.h"
#include "targets/eventually.h"

namespace raceless {

namespace {

// Why a module cannot be unloaded, as far as sysfs tells.
std::string describe_users(const std::string& module) {
  const std::optional<long> count = module_refcount(module);
  return count ? fmt::format(" (its reference count is {})", *count) : "";
}

// Returns an errno, or 0 once the module is gone.
int unload_eventually(const std::string& module) {
  int error = 0;
  (void)eventually([&] {
    error = delete_module(module);
    if (error == ENOENT) error = 0;
    return error == 0;
  });
  return error;
}

}  // namespace

int load_and_count(const std::function<int()>& load, Tally& tally) {
  const uint64_t start_ns = now_ns();
  const int error = load();
  const uint64_t elapsed_ns = now_ns() - start_ns;
  tally.add(Breakdown::loads_by_outcome, outcome_name(error));
  tally.add(error == 0 ? Count::loads : Count::load_failures);
  if (error == 0) tally.record(Latency::load, elapsed_ns);
  return error;
}

int load_and_count(KernelModule& module, Tally& tally) {
  return load_and_count([&module] { return module.load(); }, tally);
}

int delete_and_count(const std::string& module, Tally& tally) {
  const uint64_t start_ns = now_ns();
  const int error = delete_module(module);
  const uint64_t elapsed_ns = now_ns() - start_ns;
  tally.add(Breakdown::unloads_by_outcome, "delete " + outcome_name(error));
  tally.add(error == 0 ? Count::unloads : Count::unload_failures);
  if (error == 0) {
    tally.record(Latency::unload, elapsed_ns);
    tally.record(Latency::delete_module, elapsed_ns);
  }
  return error;
}

Status rest_module(const std::string& module, Tally& tally) {
  int error = 0;
  const bool absent = eventually([&] {
    if (module_state(module) == ModuleState::absent) return true;
    error = delete_and_count(module, tally);
    return error == 0 || error == ENOENT;
  });
  if (absent) return {};
  return fail(error,
              "cannot unload " + module + describe_users(module) + ", though nobody uses it");
}

uint64_t loads_by_request(const Counts& totals, bool loaded_before, bool loaded_now) {
  // Each unload needs a load before it, or the one from before the storm.
  const uint64_t all = get(totals, Count::unloads) + (loaded_now ? 1 : 0);
  const uint64_t known = get(totals, Count::loads) + (loaded_before ? 1 : 0);
  return all > known ? all - known : 0;
}

void check_module_cycles(KernelModule& module, Findings& findings) {
  const auto broken = [&](const std::string& what) {
    findings.report({0, "after the storm: " + what, 0, "end", 0});
  };
  const std::string& name = module.name();
  int error = unload_eventually(name);
  if (error != 0)
    return broken(
        Error{error, "cannot unload " + name + describe_users(name) + ", though nobody uses it"}
            .message());
  // A modprobe of the storm's that was killed in the middle may be loading it still.
  (void)eventually([&] {
    error = module.load();
    if (error == EEXIST && module_state(name) == ModuleState::live) error = 0;
    return error != EEXIST && error != EBUSY;
  });
  if (error != 0) return broken(Error{error, "cannot load " + name + " again"}.message());
  error = unload_eventually(name);
  if (error != 0)
    broken(Error{error, "cannot unload " + name + describe_users(name) + " once more"}.message());
}

}  // namespace raceless
