// SPDX-License-Identifier: GPL-2.0
#include "targets/factory_target.h"

#include "clock.h"
#include "targets/factory_workers.h"

namespace raceless {

namespace {

constexpr uint32_t kParts = 16;

}  // namespace

FactoryTarget::FactoryTarget(const Parameters& parameters) : RegistryTarget(parameters, "factory") {
  for (uint32_t i = 0; i < RACELESS_FACTORY_KEPT; i++)
    add(parameters, RACELESS_FACTORY_KEPT_PREFIX + std::to_string(i), false);
  for (uint32_t i = 0; i < kParts; i++) add(parameters, "factory_part_" + std::to_string(i), true);
}

void FactoryTarget::add(const Parameters& parameters, const std::string& name, bool may_be_absent) {
  auto scene = std::make_unique<RegistryScene>();
  scene->provider = name;
  scene->timeout_ns = parameters.timeout_ns;
  scene->excuses.may_be_absent = may_be_absent;
  scene->exercise = std::make_unique<CanaryExercise>();
  names_.names.push_back(std::move(scene));
  also_provides(name);
}

Crews FactoryTarget::default_crews() const {
  return {{{2, {0, 1 * kNsPerMs, 50}},    // loaders
           {8, {0, 1 * kNsPerMs, 90}},    // unloaders
           {4, {0, 1 * kNsPerMs, 75}}}};  // consumers
}

// A lifecycle is short; a reference that is kept for longer would be all that it waits for.
uint64_t FactoryTarget::max_hold_ns() const { return 200 * kNsPerUs; }

Result<std::unique_ptr<Worker>> FactoryTarget::make_worker(Surroundings surroundings) {
  if (surroundings.role == Role::loader)
    return FactoryLoader::create(std::move(surroundings), scene(), names_);
  if (surroundings.role == Role::unloader)
    return FactoryUnloader::create(std::move(surroundings), scene(), names_);
  return FactoryConsumer::create(surroundings, names_);
}

}  // namespace raceless
