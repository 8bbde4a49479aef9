// SPDX-License-Identifier: GPL-2.0
#include "replacement.h"

#include <fmt/format.h>
#include <unistd.h>

#include "clock.h"
#include "state_file.h"

namespace raceless {

namespace {

constexpr useconds_t kPollUs = 1'000;
// A module whose last user has just let go of it may still be in use for a moment.
constexpr uint64_t kDeletePatienceNs = 2 * kNsPerSecond;

Result<SlotState> read_slot(const std::string& provider) {
  const Result<StateFile> state = StateFile::read();
  if (!state) return tl::unexpected(state.error());
  const SlotState* slot = state->find(provider);
  if (slot == nullptr || slot->text("state") == "gone")
    return fail(ENOENT, "nothing is registered as " + provider);
  return *slot;
}

int delete_old(const std::string& module, ReplaceSteps& steps) {
  const uint64_t deadline_ns = now_ns() + kDeletePatienceNs;
  for (;;) {
    const int error = delete_module(module);
    steps.deletes.push_back(error);
    if (error != EWOULDBLOCK || now_ns() > deadline_ns) return error;
    usleep(kPollUs);
  }
}

int load_next(KernelModule& next, const std::string& options, ReplaceSteps& steps) {
  const uint64_t start_ns = now_ns();
  const Status loaded = next.load_with_dependencies(options);
  steps.load_ns = now_ns() - start_ns;
  steps.load = loaded ? 0 : loaded.error().code;
  return *steps.load;
}

// Whether the new module is the one that provides the name now; its publish, if so.
std::optional<uint64_t> published_by(const KernelModule& next, const std::string& provider) {
  const Result<SlotState> slot = read_slot(provider);
  if (!slot || slot->text("owner") != next.name() || slot->text("state") != "live")
    return std::nullopt;
  return slot->number("publishes");
}

std::string uses(const KernelModule& next, const std::string& provider) {
  return next.name() + " was loaded and does not provide " + provider + "; it is unloaded again";
}

// Until the one that was replaced is destroyed. False: somebody still holds it.
bool await_retired(const std::string& provider, const std::string& old, uint64_t deadline_ns) {
  for (;;) {
    const Result<SlotState> slot = read_slot(provider);
    if (!slot || slot->text("beside_owner") != old) return true;
    if (now_ns() > deadline_ns) return false;
    usleep(kPollUs);
  }
}

}  // namespace

const char* way_name(ReplaceWay way) {
  return way == ReplaceWay::through ? "through" : "side by side";
}

Result<Provided> provided(const std::string& provider) {
  const Result<SlotState> slot = read_slot(provider);
  if (!slot) return tl::unexpected(slot.error());
  return Provided{slot->text("owner"), slot->number("instance")};
}

Status replace_through(Device& device, KernelModule& next, const Replacement& replacement,
                       ReplaceSteps& steps) {
  const std::string& provider = replacement.provider;
  const uint64_t start_ns = now_ns();
  Result<Unloaded> unloaded =
      device.unload(provider, replacement.timeout_ns, RACELESS_UNLOAD_REPLACE);
  steps.unload = unloaded ? 0 : unloaded.error().code;
  if (!unloaded) {
    // Once it has let go, the old one comes back in place for whoever asks.
    (void)device.release(provider);
    return fail(*steps.unload, "cannot unload " + provider + ", which is not replaced");
  }
  steps.unloaded = *unloaded;
  steps.old_module = unloaded->owner;
  if (const int error = delete_old(unloaded->owner, steps); error != 0) {
    (void)device.release(provider);
    return fail(error, fmt::format("cannot unload the module {}: {} is not replaced, and {} comes "
                                   "back for whoever asks",
                                   unloaded->owner, provider, unloaded->owner));
  }
  steps.unload_ns = now_ns() - start_ns;
  const int error = load_next(next, replacement.options, steps);
  const std::optional<uint64_t> publish = error == 0 ? published_by(next, provider) : std::nullopt;
  if (publish) {
    steps.publish = *publish;
    return {};
  }
  if (error == 0) (void)delete_module(next.name());
  // Who still waits gets a flight: modprobe for the alias.
  (void)device.release(provider);
  const std::string lost = fmt::format(
      "{} is lost: {} is unloaded; the next who asks gets what modprobe finds for raceless-{}",
      provider, steps.old_module, provider);
  if (error == 0) return fail(0, uses(next, provider) + "; " + lost);
  return fail(error, lost + ". Cannot load " + next.name());
}

Status replace_side_by_side(KernelModule& next, const Replacement& replacement,
                            ReplaceSteps& steps) {
  const std::string& provider = replacement.provider;
  const Result<Provided> found = provided(provider);
  if (!found) return tl::unexpected(found.error());
  const std::string& old = found->module;
  steps.old_module = old;
  if (const int error = load_next(next, replacement.options + " replace=1", steps); error != 0)
    return fail(error, fmt::format("{} still provides {}, and nobody has noticed. Cannot load {}",
                                   old, provider, next.name()));
  const uint64_t start_ns = now_ns();
  const std::optional<uint64_t> publish = published_by(next, provider);
  if (!publish) {
    (void)delete_module(next.name());
    return fail(0, fmt::format("{}; {} still provides {}", uses(next, provider), old, provider));
  }
  steps.publish = *publish;
  if (!await_retired(provider, old, start_ns + replacement.timeout_ns))
    return fail(ETIMEDOUT, fmt::format("{} provides {} now, but somebody still has a reference on "
                                       "the old one; unload {} when it is gone",
                                       next.name(), provider, old));
  const int error = delete_old(old, steps);
  steps.retire_ns = now_ns() - start_ns;
  if (error != 0)
    return fail(
        error, fmt::format("{} provides {} now, but cannot unload {}", next.name(), provider, old));
  return {};
}

}  // namespace raceless
