// SPDX-License-Identifier: GPL-2.0
#include "cause.h"

namespace raceless {

const char* to_string(FailureCause cause) {
  switch (cause) {
    case FailureCause::load_busy:
      return "load_busy";
    case FailureCause::unloaded_again:
      return "unloaded_again";
    case FailureCause::still_registered:
      return "still_registered";
    case FailureCause::missing:
      return "missing";
    case FailureCause::unknown:
      break;
  }
  return "unknown";
}

FailureCause classify(const raceless_caller& seen, std::uint64_t since_ns,
                      std::uint64_t deleted_ns) {
  return static_cast<FailureCause>(raceless_classify(&seen, since_ns, deleted_ns));
}

}  // namespace raceless
