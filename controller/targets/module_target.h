// SPDX-License-Identifier: GPL-2.0
// module:PATH: a module of somebody else, loaded and unloaded while a workload uses it.
#ifndef RACELESS_CONTROLLER_TARGETS_MODULE_TARGET_H
#define RACELESS_CONTROLLER_TARGETS_MODULE_TARGET_H

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "module_loader.h"
#include "module_options.h"
#include "targets/plain_files.h"
#include "targets/target.h"

namespace raceless {

// What the workers of one module target share.
struct ModuleScene {
  std::string path;
  std::string module;
  std::string workload;
  uint64_t workload_ns = 0;  // how long one run takes without a storm

  // Unloads that are under way, and those that succeeded: between two looks at which nothing has
  // changed, the module was there all the time.
  std::atomic<uint64_t> unloads_begun = 0;
  std::atomic<uint64_t> unloads_failed = 0;
  std::atomic<uint64_t> unloads_done = 0;

  // What a file of the workload can be that has nothing to do with the module.
  std::set<std::string> other_devices;
  std::atomic<uint64_t> unloaded_under_file = 0;
  std::atomic<uint64_t> refused_under_file = 0;
  PlainFiles plain_files;
  std::atomic<uint64_t> plain_files_removed = 0;
  // Held by who wants the module to stay away for a moment; loaders take it for each load.
  std::mutex loading;
};

class ModuleTarget : public Target {
 public:
  ModuleTarget(const Parameters& parameters, const std::string& path);
  ~ModuleTarget() override;

  [[nodiscard]] Crews default_crews() const override;
  [[nodiscard]] uint64_t max_hold_ns() const override;
  [[nodiscard]] Tracing::Options tracing_options() const override;
  [[nodiscard]] Status prepare() override;
  [[nodiscard]] Result<std::unique_ptr<Worker>> make_worker(Surroundings surroundings) override;
  [[nodiscard]] Status rest(Tally& tally) override;
  [[nodiscard]] TestedCode tested_code() const override;
  void check_end(Findings& findings) override;
  [[nodiscard]] uint64_t reloads(const Counts& totals) const override;
  [[nodiscard]] std::map<std::string, uint64_t> extra_counters() const override;

 private:
  [[nodiscard]] Status check_file();
  [[nodiscard]] Status try_workload();

  ModuleScene scene_;
  std::string options_;
  std::optional<ModuleOptions> module_options_;
  std::optional<ModuleLoader> loader_;
  std::optional<KernelModule> file_;
  bool prepared_ = false;
  bool loaded_now_ = false;
};

[[nodiscard]] Result<std::unique_ptr<Target>> make_module_target(const Parameters& parameters,
                                                                 const std::string& path);

}  // namespace raceless

#endif
