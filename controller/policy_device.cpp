// SPDX-License-Identifier: GPL-2.0
#include "policy_device.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace raceless {

Status check_policy_name(const std::string& name) {
  if (std::ranges::find(kPolicies, name) != kPolicies.end()) return {};
  return fail(0, fmt::format("there is no policy '{}'; the policies are: {}", name,
                             fmt::join(kPolicies, ", ")));
}

Result<PolicyDevice> PolicyDevice::open(const std::string& policy, const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return fail_errno("cannot open " + path);
  if (write(fd.get(), policy.data(), policy.size()) < 0)
    return fail_errno("cannot choose policy " + policy);
  return PolicyDevice(std::move(fd));
}

int PolicyDevice::use(uint32_t calls, uint64_t hold_ns, uint64_t& get_ns) {
  raceless_policy_use request{sizeof(request), calls, hold_ns, 0};
  const int error = ioctl(fd_.get(), RACELESS_POLICY_IOC_USE, &request) == 0 ? 0 : errno;
  get_ns = request.get_ns;
  return error;
}

int PolicyDevice::load() { return ioctl(fd_.get(), RACELESS_POLICY_IOC_LOAD) == 0 ? 0 : errno; }

int PolicyDevice::unload() { return ioctl(fd_.get(), RACELESS_POLICY_IOC_UNLOAD) == 0 ? 0 : errno; }

Result<raceless_policy_counts> PolicyDevice::counts() const {
  raceless_policy_counts counts{};
  if (ioctl(fd_.get(), RACELESS_POLICY_IOC_COUNTS, &counts) != 0)
    return fail_errno("cannot read the counts of a policy");
  return counts;
}

}  // namespace raceless
