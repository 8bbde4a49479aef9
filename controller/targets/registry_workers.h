// SPDX-License-Identifier: GPL-2.0
// The three roles of a storm on a provider of the registry.
#ifndef RACELESS_CONTROLLER_TARGETS_REGISTRY_WORKERS_H
#define RACELESS_CONTROLLER_TARGETS_REGISTRY_WORKERS_H

#include "device.h"
#include "module_loader.h"
#include "storm/worker.h"
#include "targets/registry_target.h"

namespace raceless {

// Gets the provider, by reference or by name, uses it, and checks every answer.
class RegistryConsumer : public Worker {
 public:
  RegistryConsumer(Surroundings surroundings, RegistryScene& scene, Device device);
  void run(const Op& op) override;

 private:
  void wait_for_pins();
  void use_by_reference(const Op& op);
  void use_by_name(const Op& op);
  void use_reference(const Got& got, const Op& op);
  void granted(const Grant& grant, uint64_t destroyed_before, uint64_t elapsed_ns);
  void refused(const Refusal& refusal);
  void called(const Status& status, uint64_t instance);
  void broken(uint32_t promise, std::string what, uint64_t instance);

  Surroundings surroundings_;
  RegistryScene& scene_;
  Device device_;
  uint64_t newest_ = 0;  // instance that it was given
};

// Takes the provider down in each of the ways that there are.
class RegistryUnloader : public Worker {
 public:
  RegistryUnloader(Surroundings surroundings, RegistryScene& scene, Device device);
  void run(const Op& op) override;
  // One of the ways alone: the name comes back in place, when it is wanted.
  void unload_and_release(const Op& op);
  // Counts what came of an unload, ours or one that somebody asked for together with others; says
  // it if one could not be released.
  void unloaded(const Result<Unloaded>& result, uint64_t start_ns);
  void released(const Status& status);

 private:
  void unload_and_delete(const Op& op);
  void delete_unpinned();
  int delete_plainly();
  [[nodiscard]] Result<Unloaded> unload();
  void release();

  Surroundings surroundings_;
  RegistryScene& scene_;
  Device device_;
};

// Loads the provider's module, whether or not it is there.
class RegistryLoader : public Worker {
 public:
  RegistryLoader(Surroundings surroundings, RegistryScene& scene, ModuleLoader loader,
                 KernelModule module);
  void run(const Op& op) override;

 private:
  Surroundings surroundings_;
  RegistryScene& scene_;
  ModuleLoader loader_;
  KernelModule module_;
};

}  // namespace raceless

#endif
