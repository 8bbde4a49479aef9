// SPDX-License-Identifier: GPL-2.0
#include "clock.h"
#include "targets/registry_workers.h"

namespace raceless {

RegistryLoader::RegistryLoader(Surroundings surroundings, RegistryScene& scene, ModuleLoader loader,
                               KernelModule module)
    : surroundings_(std::move(surroundings)),
      scene_(scene),
      loader_(std::move(loader)),
      module_(std::move(module)) {}

void RegistryLoader::run(const Op& /*op*/) {
  Tally& tally = surroundings_.tally;
  const uint64_t start_ns = now_ns();
  const int error = module_.load();
  tally.add(Breakdown::loads_by_outcome, outcome_name(error));
  if (error == 0) {
    tally.add(Count::loads);
    tally.record(Latency::load, now_ns() - start_ns);
    return;
  }
  tally.add(Count::load_failures);
  // It is there, it is going or held down: that is what a storm is like.
  if (error == EEXIST || error == EBUSY || error == scene_.excuses.init_error) return;
  surroundings_.findings.report({RACELESS_PROMISE_NONE,
                                 Error{error, "cannot load " + scene_.module}.message(), 0,
                                 surroundings_.thread, 0});
}

}  // namespace raceless
