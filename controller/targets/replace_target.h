// SPDX-License-Identifier: GPL-2.0
// Two versions of a provider that replace each other, again and again, while others use the name.
#ifndef RACELESS_CONTROLLER_TARGETS_REPLACE_TARGET_H
#define RACELESS_CONTROLLER_TARGETS_REPLACE_TARGET_H

#include <mutex>

#include "replacement.h"
#include "targets/registry_target.h"
#include "targets/replace_log.h"

namespace raceless {

// What the workers of a storm of replacements share besides the scene.
struct ReplaceScene {
  ReplaceWay way = ReplaceWay::through;
  std::mutex one_at_a_time;
  uint64_t replacements = 0;  // of those that succeeded; one_at_a_time
};

class ReplaceTarget : public RegistryTarget {
 public:
  ReplaceTarget(const Parameters& parameters, ReplaceWay way);
  ~ReplaceTarget() override;

  [[nodiscard]] Crews default_crews() const override;
  // The modules stay, with what is theirs, at a rest too: only callers could tell a leak from that.
  [[nodiscard]] uint64_t default_leak_check() const override { return 0; }
  [[nodiscard]] Tracing::Options tracing_options() const override;
  [[nodiscard]] Result<std::unique_ptr<Worker>> make_worker(Surroundings surroundings) override;
  // The modules stay: an unload would make gets wait.
  [[nodiscard]] Status rest(Tally& tally) override;
  [[nodiscard]] TestedCode tested_code() const override;
  void check_end(Findings& findings) override;
  [[nodiscard]] std::map<std::string, uint64_t> extra_counters() const override;
  [[nodiscard]] std::string summary_lines() const override;

 protected:
  [[nodiscard]] Status make_exercise() override;

 private:
  ReplaceScene replace_;
  ReplaceLog log_;
  uint64_t slept_ = 0;  // gets, by the registry's count
};

}  // namespace raceless

#endif
