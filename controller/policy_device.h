// SPDX-License-Identifier: GPL-2.0
// /dev/raceless_policies: one resource under one lifecycle policy.
#ifndef RACELESS_CONTROLLER_POLICY_DEVICE_H
#define RACELESS_CONTROLLER_POLICY_DEVICE_H

#include <array>
#include <cstdint>
#include <string>

#include "file_descriptor.h"
#include "result.h"
#include "uapi/policies.h"

namespace raceless {

inline constexpr std::array kPolicies = {"three-point", "four-point", "legacy", "try_module_get"};

// An error lists the valid ones.
[[nodiscard]] Status check_policy_name(const std::string& name);

class PolicyDevice {
 public:
  [[nodiscard]] static Result<PolicyDevice> open(
      const std::string& policy, const std::string& path = RACELESS_POLICIES_DEVICE);

  // 0 or an errno; what they mean is with the structures in uapi/policies.h. `get_ns`: how long it
  // took to get the resource, or not.
  [[nodiscard]] int use(uint32_t calls, uint64_t hold_ns, uint64_t& get_ns);
  [[nodiscard]] int load();
  [[nodiscard]] int unload();
  [[nodiscard]] Result<raceless_policy_counts> counts() const;

 private:
  explicit PolicyDevice(FileDescriptor fd) : fd_(std::move(fd)) {}

  FileDescriptor fd_;
};

}  // namespace raceless

#endif
