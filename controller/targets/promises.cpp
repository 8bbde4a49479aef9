// SPDX-License-Identifier: GPL-2.0
#include "targets/promises.h"

#include <fmt/format.h>

namespace raceless {

namespace {

uint32_t promise_of(uint32_t reason) {
  switch (reason) {
    case RACELESS_REASON_TIMEOUT:  // may hide a lost wake-up
    case RACELESS_REASON_KILLED:
    case RACELESS_REASON_DEADLOCK:
      return RACELESS_PROMISE_LEAVES_NOTHING;
    case RACELESS_REASON_LIMIT:
    case RACELESS_REASON_MEMORY:
      return RACELESS_PROMISE_BOUNDED;
    default:
      return RACELESS_PROMISE_FIRST_PUBLISH;
  }
}

}  // namespace

bool waited(const Grant& grant) { return grant.publish != grant.joined || grant.waited_ns != 0; }

std::vector<Broken> check_grant(const Grant& grant, uint64_t destroyed_before) {
  std::vector<Broken> broken;
  // Who did not wait took the publish that was there.
  if (grant.publish != grant.joined && grant.publish != grant.joined + 1)
    broken.push_back({RACELESS_PROMISE_FIRST_PUBLISH,
                      fmt::format("a get that joined after publish {} was given publish {}",
                                  grant.joined, grant.publish)});
  if (grant.instance <= destroyed_before)
    broken.push_back({RACELESS_PROMISE_NO_USE_AFTER_DESTROY,
                      fmt::format("a get gave instance {} after instance {} had been destroyed",
                                  grant.instance, destroyed_before)});
  return broken;
}

std::vector<Broken> check_refusal(const Refusal& refusal, Excuses excuses) {
  if (excuses.init_error != 0 && refusal.reason == RACELESS_REASON_FLIGHT &&
      refusal.error.code == excuses.init_error)
    return {};
  const bool absent =
      refusal.reason == RACELESS_REASON_ABSENT || refusal.reason == RACELESS_REASON_UNLOADING;
  if (excuses.may_be_absent && absent && refusal.error.code == ENOENT) return {};
  return {{promise_of(refusal.reason),
           fmt::format("{} (reason: {})", refusal.error.message(), reason_name(refusal.reason))}};
}

}  // namespace raceless
