// SPDX-License-Identifier: GPL-2.0
// The three roles of a storm on somebody else's module.
#ifndef RACELESS_CONTROLLER_TARGETS_MODULE_WORKERS_H
#define RACELESS_CONTROLLER_TARGETS_MODULE_WORKERS_H

#include <functional>

#include "module_loader.h"
#include "storm/worker.h"
#include "targets/module_target.h"
#include "targets/workload.h"

namespace raceless {

// Runs the workload; in most runs, stops it somewhere on its way for a while, so that what it has
// open at that moment meets the unloads.
class ModuleConsumer : public Worker {
 public:
  ModuleConsumer(Surroundings surroundings, ModuleScene& scene);
  void run(const Op& op) override;

 private:
  void hold_somewhere(Workload& workload, const Op& op);
  void hold_open_device(Workload& workload, const Op& op);
  void wait_for_unload(uint64_t at_least_ns);
  void release_unloaded(Workload& workload, const std::string& file,
                        const std::function<void()>& release);
  [[nodiscard]] bool await(Workload& workload, uint64_t start_ns);
  void ended(const WorkloadEnd& end, bool was_there, uint64_t start_ns);
  void broken(std::string what);

  Surroundings surroundings_;
  ModuleScene& scene_;
};

class ModuleUnloader : public Worker {
 public:
  ModuleUnloader(Surroundings surroundings, ModuleScene& scene);
  void run(const Op& op) override;

 private:
  Surroundings surroundings_;
  ModuleScene& scene_;
};

class ModuleFileLoader : public Worker {
 public:
  ModuleFileLoader(Surroundings surroundings, ModuleScene& scene, ModuleLoader loader,
                   KernelModule file);
  void run(const Op& op) override;

 private:
  Surroundings surroundings_;
  ModuleScene& scene_;
  ModuleLoader loader_;
  KernelModule file_;
};

}  // namespace raceless

#endif
