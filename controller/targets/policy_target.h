// SPDX-License-Identifier: GPL-2.0
// One lifecycle policy of raceless_policies.ko, under the same fire as the others.
//
// What its users are told is what the policy is like, and is counted. It fails the storm when it
// breaks what it claims: none lets anybody use what was destroyed or leaves somebody waiting for
// ever, and three-point fails no use at all.
#ifndef RACELESS_CONTROLLER_TARGETS_POLICY_TARGET_H
#define RACELESS_CONTROLLER_TARGETS_POLICY_TARGET_H

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "policy_device.h"
#include "targets/target.h"

namespace raceless {

class PolicyTarget : public Target {
 public:
  explicit PolicyTarget(std::string policy);
  ~PolicyTarget() override;

  [[nodiscard]] Crews default_crews() const override;
  [[nodiscard]] uint64_t max_hold_ns() const override;
  [[nodiscard]] uint64_t default_leak_check() const override { return 0; }
  [[nodiscard]] Tracing::Options tracing_options() const override;
  [[nodiscard]] Status prepare() override;
  [[nodiscard]] Result<std::unique_ptr<Worker>> make_worker(Surroundings surroundings) override;
  void check_during(Findings& findings) override;
  void check_end(Findings& findings) override;
  [[nodiscard]] uint64_t reloads(const Counts& totals) const override;
  [[nodiscard]] std::map<std::string, uint64_t> extra_counters() const override;

 private:
  [[nodiscard]] Status unload_at_rest();

  std::string policy_;
  std::optional<PolicyDevice> device_;
  raceless_policy_counts at_start_{};
  raceless_policy_counts now_{};
  uint64_t broken_ = 0;  // reported so far
  bool prepared_ = false;
};

// The factory of the table in target.cpp.
[[nodiscard]] Result<std::unique_ptr<Target>> make_policy_target(const Parameters& parameters,
                                                                 const std::string& policy);

}  // namespace raceless

#endif
