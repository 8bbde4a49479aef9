// SPDX-License-Identifier: GPL-2.0
#include "targets/policy_workers.h"

#include "clock.h"
#include "uapi/raceless.h"

namespace raceless {

PolicyLoader::PolicyLoader(Surroundings surroundings, PolicyDevice device)
    : surroundings_(std::move(surroundings)), device_(std::move(device)) {}

void PolicyLoader::run(const Op& /*op*/) {
  Tally& tally = surroundings_.tally;
  const uint64_t start_ns = now_ns();
  const int error = device_.load();
  tally.add(Breakdown::loads_by_outcome, outcome_name(error));
  if (error == 0) {
    tally.add(Count::loads);
    tally.record(Latency::load, now_ns() - start_ns);
    return;
  }
  tally.add(Count::load_failures);
  if (error == EEXIST || error == EBUSY) return;
  surroundings_.findings.report({RACELESS_PROMISE_NONE,
                                 Error{error, "cannot load the resource"}.message(), 0,
                                 surroundings_.thread, 0});
}

PolicyUnloader::PolicyUnloader(Surroundings surroundings, PolicyDevice device)
    : surroundings_(std::move(surroundings)), device_(std::move(device)) {}

void PolicyUnloader::run(const Op& /*op*/) {
  Tally& tally = surroundings_.tally;
  const uint64_t start_ns = now_ns();
  const int error = device_.unload();
  tally.add(Breakdown::unloads_by_outcome, "unload " + outcome_name(error));
  if (error == 0) {
    const uint64_t since_ns = wanted_since_ns_ != 0 ? wanted_since_ns_ : start_ns;
    wanted_since_ns_ = 0;
    tally.add(Count::unloads);
    tally.record(Latency::unload, now_ns() - since_ns);
    return;
  }
  tally.add(Count::unload_failures);
  if (error == ENOENT) {
    wanted_since_ns_ = 0;
    return;
  }
  if (wanted_since_ns_ == 0) wanted_since_ns_ = start_ns;
  if (error == EBUSY || error == EAGAIN) return;
  surroundings_.findings.report({RACELESS_PROMISE_NONE,
                                 Error{error, "cannot unload the resource"}.message(), 0,
                                 surroundings_.thread, 0});
}

PolicyConsumer::PolicyConsumer(Surroundings surroundings, PolicyDevice device, bool never_fails)
    : surroundings_(std::move(surroundings)),
      device_(std::move(device)),
      never_fails_(never_fails) {}

void PolicyConsumer::run(const Op& op) {
  Tally& tally = surroundings_.tally;
  tally.add(Count::uses);
  uint64_t get_ns = 0;
  const int error = device_.use(op.calls, op.hold_ns, get_ns);
  tally.record(error == 0 ? Latency::use : Latency::use_failed, get_ns);
  if (error == 0) return;
  tally.add(Count::user_failures);
  tally.add(Breakdown::user_failures_by_errno, outcome_name(error));
  check(error);
}

void PolicyConsumer::check(int error) {
  uint32_t promise = RACELESS_PROMISE_NONE;
  if (error == EUCLEAN)
    promise = RACELESS_PROMISE_NO_USE_AFTER_DESTROY;
  else if (error == ETIMEDOUT)
    promise = RACELESS_PROMISE_LEAVES_NOTHING;
  else if (error == ENODEV && !never_fails_)
    return;  // it was going: what the policy is like
  surroundings_.findings.report(
      {promise, Error{error, "cannot use the resource"}.message(), 0, surroundings_.thread, 0});
}

}  // namespace raceless
