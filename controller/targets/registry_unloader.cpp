// SPDX-License-Identifier: GPL-2.0
#include "clock.h"
#include "targets/registry_workers.h"

namespace raceless {

namespace {

constexpr uint32_t kDeletePercent = 45;    // unload by ioctl, then delete_module
constexpr uint32_t kReleasePercent = 70;   // unload by ioctl, then release: init again in place
constexpr uint32_t kUnpinnedPercent = 85;  // rmmod of a live provider that short calls use
constexpr int kUnpinnedTries = 50;
constexpr uint64_t kUnpinnedPauseNs = 1 * kNsPerMs;

}  // namespace

RegistryUnloader::RegistryUnloader(Surroundings surroundings, RegistryScene& scene, Device device)
    : surroundings_(std::move(surroundings)), scene_(scene), device_(std::move(device)) {}

void RegistryUnloader::run(const Op& op) {
  if (op.percent < kDeletePercent)
    unload_and_delete(op);
  else if (op.percent < kReleasePercent)
    unload_and_release(op);
  else if (op.percent < kUnpinnedPercent)
    delete_unpinned();
  else
    delete_plainly();
}

void RegistryUnloader::unload_and_delete(const Op& op) {
  const Result<Unloaded> unloaded = unload();
  if (!unloaded) return;
  surroundings_.stop.pause(op.hold_ns);
  const uint64_t start_ns = now_ns();
  const int error = delete_module(unloaded->owner);
  surroundings_.tally.add(Breakdown::unloads_by_outcome, "held delete " + outcome_name(error));
  if (error == 0) surroundings_.tally.record(Latency::delete_module, now_ns() - start_ns);
  release();
}

void RegistryUnloader::unload_and_release(const Op& op) {
  if (!unload()) return;
  surroundings_.stop.pause(op.hold_ns);
  release();
}

Result<Unloaded> RegistryUnloader::unload() {
  const uint64_t start_ns = now_ns();
  Result<Unloaded> result = device_.unload(scene_.provider, scene_.timeout_ns);
  unloaded(result, start_ns);
  return result;
}

void RegistryUnloader::unloaded(const Result<Unloaded>& result, uint64_t start_ns) {
  Tally& tally = surroundings_.tally;
  tally.add(Breakdown::unloads_by_outcome,
            "unload " + outcome_name(result ? 0 : result.error().code));
  if (result) {
    scene_.instances.destroyed(result->instance);
    tally.add(Count::unloads);
    tally.record(Latency::unload, now_ns() - start_ns);
    tally.record(Latency::stop, result->stop_ns);
    tally.record(Latency::grace, result->grace_ns);
    tally.record(Latency::drain, result->drain_ns);
    tally.record(Latency::destroy, result->destroy_ns);
    return;
  }
  tally.add(Count::unload_failures);
  const int error = result.error().code;
  // Absent, or in the hands of another unloader: that is what a storm is like.
  if (error != ENOENT && error != EBUSY)
    surroundings_.findings.report(
        {error == ETIMEDOUT ? RACELESS_PROMISE_LEAVES_NOTHING : RACELESS_PROMISE_NONE,
         result.error().message(), 0, surroundings_.thread, 0});
}

void RegistryUnloader::release() { released(device_.release(scene_.provider)); }

void RegistryUnloader::released(const Status& status) {
  // ENOENT: the hold has ended by itself, as its module is gone, or its provider was unregistered.
  if (!status && status.error().code != ENOENT)
    surroundings_.findings.report(
        {RACELESS_PROMISE_LEAVES_NOTHING, status.error().message(), 0, surroundings_.thread, 0});
}

void RegistryUnloader::delete_unpinned() {
  scene_.no_pins++;
  for (int i = 0; i < kUnpinnedTries && !surroundings_.stop.stopped(); i++) {
    if (delete_plainly() != EWOULDBLOCK) break;
    surroundings_.stop.pause(kUnpinnedPauseNs);
  }
  scene_.no_pins--;
}

int RegistryUnloader::delete_plainly() {
  Tally& tally = surroundings_.tally;
  const uint64_t start_ns = now_ns();
  const int error = delete_module(scene_.module);
  tally.add(Breakdown::unloads_by_outcome, "delete " + outcome_name(error));
  if (error != 0) {
    tally.add(Count::unload_failures);
    return error;
  }
  tally.add(Count::unloads);
  tally.record(Latency::unload, now_ns() - start_ns);
  tally.record(Latency::delete_module, now_ns() - start_ns);
  return 0;
}

}  // namespace raceless
