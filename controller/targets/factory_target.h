// SPDX-License-Identifier: GPL-2.0
// The factory: names whose instances come and go without a module being loaded, so that a storm
// turns far more lifecycles than modules can.
//
// Kept names are taken down and come back in place, by the first get that waits for them. Parts are
// created and destroyed, with their memory; who wants one does not wait, and may find it absent.
#ifndef RACELESS_CONTROLLER_TARGETS_FACTORY_TARGET_H
#define RACELESS_CONTROLLER_TARGETS_FACTORY_TARGET_H

#include <memory>
#include <vector>

#include "targets/registry_target.h"

namespace raceless {

// The names of one storm, and those of them that an operation is about.
struct FactoryScene {
  std::vector<std::unique_ptr<RegistryScene>> names;  // kept ones, then parts

  [[nodiscard]] static bool is_part(const RegistryScene& scene) {
    return scene.excuses.may_be_absent;
  }
};

class FactoryTarget : public RegistryTarget {
 public:
  explicit FactoryTarget(const Parameters& parameters);

  [[nodiscard]] Crews default_crews() const override;
  [[nodiscard]] uint64_t max_hold_ns() const override;
  [[nodiscard]] uint64_t default_leak_check() const override { return 2000; }
  [[nodiscard]] Result<std::unique_ptr<Worker>> make_worker(Surroundings surroundings) override;

 private:
  void add(const Parameters& parameters, const std::string& name, bool may_be_absent);

  FactoryScene names_;
};

}  // namespace raceless

#endif
