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

FailureCause classify(const raceless_caller& seen, std::uint64_t since_ns) {
  const auto met = [since_ns](std::uint64_t when_ns) {
    return when_ns != 0 && when_ns >= since_ns;
  };
  if (met(seen.load_busy_ns)) return FailureCause::load_busy;

  // A call may ask several times, under several aliases, some of which nobody ever provides
  // ("crypto-sha1-all"): those explain the failure only if no other request does.
  const bool busy = met(seen.modprobe_busy_ns);
  const bool ok = met(seen.modprobe_ok_ns);
  if (busy && (!ok || seen.modprobe_busy_ns > seen.modprobe_ok_ns)) return FailureCause::load_busy;
  if (ok) return FailureCause::unloaded_again;
  if (met(seen.modprobe_failed_ns)) return FailureCause::missing;

  // Asked, but no modprobe was run for it (denied, or too many requests): it is not that
  // nobody asked.
  if (met(seen.requested_ns)) return FailureCause::unknown;
  if (met(seen.get_failed_ns)) return FailureCause::still_registered;
  return FailureCause::unknown;
}

}  // namespace raceless
