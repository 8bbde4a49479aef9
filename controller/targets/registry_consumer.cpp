// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include <algorithm>

#include "clock.h"
#include "targets/promises.h"
#include "targets/registry_workers.h"

namespace raceless {

namespace {

constexpr uint32_t kByReferencePercent = 90;
// One consumer of so many goes by name alone, so that an rmmod meets short calls also while nobody
// else may have a reference.
constexpr uint32_t kByNameAlone = 4;
constexpr uint64_t kNoPinsNs = 100 * kNsPerMs;
constexpr uint64_t kNoPinsPollNs = 1 * kNsPerMs;

}  // namespace

RegistryConsumer::RegistryConsumer(Surroundings surroundings, RegistryScene& scene, Device device)
    : surroundings_(std::move(surroundings)), scene_(scene), device_(std::move(device)) {}

void RegistryConsumer::run(const Op& op) {
  surroundings_.tally.add(Count::uses);
  const bool by_name_alone = surroundings_.index % kByNameAlone == kByNameAlone - 1;
  // A call by name waits.
  const bool by_name = op.percent >= kByReferencePercent || by_name_alone;
  if (by_name && !scene_.excuses.may_be_absent) return use_by_name(op);
  wait_for_pins();
  use_by_reference(op);
}

// What is done is the plan's decision; an rmmod that wants no reference on the module may only put
// it off, and not for long.
void RegistryConsumer::wait_for_pins() {
  const uint64_t deadline_ns = now_ns() + kNoPinsNs;
  while (scene_.no_pins != 0 && now_ns() < deadline_ns && !surroundings_.stop.stopped())
    surroundings_.stop.pause(kNoPinsPollNs);
}

void RegistryConsumer::use_by_reference(const Op& op) {
  const uint64_t destroyed_before = scene_.instances.last_destroyed();
  const uint64_t start_ns = now_ns();
  surroundings_.tally.add(Count::gets);
  const GetResult<Got> got = device_.get(scene_.provider, scene_.timeout_ns,
                                         scene_.excuses.may_be_absent ? RACELESS_GET_NOWAIT : 0);
  if (!got) return refused(got.error());
  granted(got->grant, destroyed_before, now_ns() - start_ns);

  const uint64_t instance = got->grant.instance;
  const uint64_t other = scene_.instances.hold(surroundings_.index, instance);
  if (other != 0 && !scene_.side_by_side)
    broken(RACELESS_PROMISE_ONE_REACHABLE,
           fmt::format("instances {} and {} are referenced at the same time", instance, other),
           instance);
  use_reference(*got, op);
  if (scene_.instances.last_destroyed() >= instance)
    broken(RACELESS_PROMISE_NO_USE_AFTER_DESTROY, "an instance was destroyed under a reference",
           instance);
  scene_.instances.drop(surroundings_.index);
  if (const Status put = device_.put(got->ref); !put)
    broken(RACELESS_PROMISE_LEAVES_NOTHING, put.error().message(), instance);
}

void RegistryConsumer::use_reference(const Got& got, const Op& op) {
  const uint64_t instance = got.grant.instance;
  const ProviderCall call = [&](uint32_t number, std::span<const std::byte> in,
                                std::span<std::byte> out) {
    const uint64_t start_ns = now_ns();
    Result<Called> result = device_.call(got.ref, number, in, out);
    surroundings_.tally.record(Latency::call, now_ns() - start_ns);
    if (result && result->grant.instance != instance)
      broken(RACELESS_PROMISE_NO_USE_AFTER_DESTROY,
             fmt::format("a call through a reference on instance {} ran in instance {}", instance,
                         result->grant.instance),
             instance);
    return result;
  };
  for (uint32_t i = 0; i < op.calls && !surroundings_.stop.stopped(); i++)
    called(scene_.exercise->run(call, op.choice + i), instance);
  surroundings_.stop.pause(op.hold_ns);
}

void RegistryConsumer::use_by_name(const Op& op) {
  uint64_t instance = 0;
  bool refused_get = false;
  const ProviderCall call = [&](uint32_t number, std::span<const std::byte> in,
                                std::span<std::byte> out) -> Result<Called> {
    const uint64_t destroyed_before = scene_.instances.last_destroyed();
    const uint64_t start_ns = now_ns();
    surroundings_.tally.add(Count::gets);
    const GetResult<Called> result =
        device_.call_by_name(scene_.provider, scene_.timeout_ns, number, in, out);
    if (result) {
      instance = result->grant.instance;
      granted(result->grant, destroyed_before, now_ns() - start_ns);
      return *result;
    }
    if (result.error().reason != RACELESS_REASON_NONE) {
      refused_get = true;
      refused(result.error());
    } else {
      granted(result.error().grant, destroyed_before, now_ns() - start_ns);
    }
    return tl::unexpected(result.error().error);
  };
  const Status status = scene_.exercise->run(call, op.choice);
  if (!refused_get) called(status, instance);
}

void RegistryConsumer::granted(const Grant& grant, uint64_t destroyed_before, uint64_t elapsed_ns) {
  surroundings_.tally.record(Latency::get, elapsed_ns);
  if (waited(grant)) {
    surroundings_.tally.add(Count::waits);
    surroundings_.tally.record(Latency::reload_wait, grant.waited_ns);
    if (scene_.log != nullptr) scene_.log->waited(grant.publish, grant.waited_ns);
  }
  // One instance is reachable at a time, and the next one is newer.
  if (grant.instance < newest_)
    broken(RACELESS_PROMISE_ONE_REACHABLE,
           fmt::format("a get gave instance {} after one had given {}", grant.instance, newest_),
           grant.instance);
  newest_ = std::max(newest_, grant.instance);
  for (const Broken& one : check_grant(grant, destroyed_before))
    broken(one.promise, one.what, grant.instance);
}

void RegistryConsumer::refused(const Refusal& refusal) {
  Tally& tally = surroundings_.tally;
  tally.add(Count::get_failures);
  tally.add(Count::user_failures);
  tally.add(Breakdown::get_failures_by_reason, reason_name(refusal.reason));
  tally.add(Breakdown::user_failures_by_errno, outcome_name(refusal.error.code));
  for (const Broken& one : check_refusal(refusal, scene_.excuses)) broken(one.promise, one.what, 0);
}

void RegistryConsumer::called(const Status& status, uint64_t instance) {
  surroundings_.tally.add(Count::calls);
  if (status) return;
  surroundings_.tally.add(Count::call_failures);
  surroundings_.tally.add(Count::user_failures);
  surroundings_.tally.add(Breakdown::user_failures_by_errno, outcome_name(status.error().code));
  broken(RACELESS_PROMISE_NO_USE_AFTER_DESTROY,
         "the provider gave a wrong answer: " + status.error().message(), instance);
}

void RegistryConsumer::broken(uint32_t promise, std::string what, uint64_t instance) {
  surroundings_.findings.report({promise, std::move(what), 0, surroundings_.thread, instance});
}

}  // namespace raceless
