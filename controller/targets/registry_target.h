// SPDX-License-Identifier: GPL-2.0
// A provider of the registry: its promises are checked, and breaking one fails the storm.
#ifndef RACELESS_CONTROLLER_TARGETS_REGISTRY_TARGET_H
#define RACELESS_CONTROLLER_TARGETS_REGISTRY_TARGET_H

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "module_options.h"
#include "state_file.h"
#include "targets/exercise.h"
#include "targets/instance_watch.h"
#include "targets/promises.h"
#include "targets/replace_log.h"
#include "targets/target.h"

namespace raceless {

// What the workers on one name of the registry share.
struct RegistryScene {
  std::string provider;  // "codec"
  std::string module;    // "raceless_sample_codec"
  uint64_t timeout_ns = 0;
  Excuses excuses;
  std::unique_ptr<Exercise> exercise;
  InstanceWatch instances;
  // Of a storm of replacements: two instances may be referenced at once; waits are told here.
  bool side_by_side = false;
  ReplaceLog* log = nullptr;
  // Unloaders that want the module to be free of pins: references of a descriptor pin it, and rmmod
  // would only ever meet "in use". Consumers then put new ones off for a while.
  std::atomic<int> no_pins = 0;
};

class RegistryTarget : public Target {
 public:
  RegistryTarget(const Parameters& parameters, const std::string& provider);
  ~RegistryTarget() override;

  [[nodiscard]] Crews default_crews() const override;
  [[nodiscard]] uint64_t max_hold_ns() const override;
  [[nodiscard]] Tracing::Options tracing_options() const override;
  [[nodiscard]] Status prepare() override;
  [[nodiscard]] Result<std::unique_ptr<Worker>> make_worker(Surroundings surroundings) override;
  void check_during(Findings& findings) override;
  [[nodiscard]] Status rest(Tally& tally) override;
  [[nodiscard]] TestedCode tested_code() const override;
  void check_end(Findings& findings) override;
  [[nodiscard]] uint64_t reloads(const Counts& totals) const override;
  [[nodiscard]] std::map<std::string, uint64_t> extra_counters() const override;

 protected:
  [[nodiscard]] RegistryScene& scene() { return scene_; }
  [[nodiscard]] const RegistryScene& scene() const { return scene_; }
  // Another name that the module provides: nothing of it may be left either.
  void also_provides(const std::string& name) { names_.push_back(name); }
  [[nodiscard]] virtual Status make_exercise();
  [[nodiscard]] uint64_t since_start(const std::string& total) const;
  // Until no reference and no waiter is left, and nobody who has been replaced.
  [[nodiscard]] Status await_no_users() const;

 private:
  [[nodiscard]] Status read_start();
  struct Users {
    uint64_t references = 0;
    uint64_t waiters = 0;
    uint64_t flights = 0;
    uint64_t retiring = 0;
  };
  // Of all names.
  [[nodiscard]] Result<Users> read_users() const;
  [[nodiscard]] bool flying() const;
  void check_at_rest(Findings& findings);
  void count_check(const GetResult<Got>& got);
  void check_cycle(Findings& findings);

  RegistryScene scene_;
  std::vector<std::string> names_;
  std::string options_;
  std::optional<ModuleOptions> module_options_;
  bool prepared_ = false;
  std::map<std::string, uint64_t> totals_at_start_;
  std::map<std::string, uint64_t> totals_;
  std::map<uint32_t, uint64_t> broken_;     // by promise: reported so far
  std::map<std::string, uint64_t> checks_;  // what check_cycle() did, for run.json
};

}  // namespace raceless

#endif
