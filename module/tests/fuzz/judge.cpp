// SPDX-License-Identifier: GPL-2.0
// Was that an answer as the uapi header describes it?
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "request.h"

namespace raceless::fuzz {

namespace {

using Verdict = std::optional<std::string>;

// The argument as it is after the call.
template <typename T>
std::optional<T> answer(const Memory& memory) {
  const std::span<const uint8_t> bytes = memory.argument.now();
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

template <typename T>
bool granted(const T& answer) {
  const bool waited = answer.publish == answer.joined + 1;
  return answer.instance && answer.publish && (waited || answer.publish == answer.joined) &&
         (waited || !answer.waited_ns) && answer.reason == RACELESS_REASON_NONE;
}

// Which reasons go with an errno of a get. A flight can fail with any.
bool explains(uint32_t reason, int code) {
  switch (reason) {
    case RACELESS_REASON_NONE:
      return code == EINVAL || code == ENOMEM;
    case RACELESS_REASON_ABSENT:
    case RACELESS_REASON_UNLOADING:
      return code == ENOENT;
    case RACELESS_REASON_FLIGHT:
      return true;
    case RACELESS_REASON_TIMEOUT:
      return code == ETIMEDOUT;
    case RACELESS_REASON_LIMIT:
      return code == EMFILE || code == EDQUOT || code == EAGAIN || code == ENOSPC;
    case RACELESS_REASON_MEMORY:
      return code == ENOMEM;
    default:
      return false;
  }
}

Verdict judge_get(int code, const Memory& memory) {
  const auto got = answer<raceless_get>(memory);
  if (!got) return std::nullopt;
  if (code == 0 && (!granted(*got) || !got->ref || got->ref > RACELESS_MAX_REFS_PER_FD))
    return fmt::format("it gave ref {}, reason {}, instance {}, publish {}, joined {}, waited {}",
                       got->ref, got->reason, got->instance, got->publish, got->joined,
                       got->waited_ns);
  if (code != 0 && (got->ref || got->instance || got->publish || got->joined))
    return fmt::format("it failed and gave ref {}, instance {}", got->ref, got->instance);
  if (code != 0 && !explains(got->reason, code))
    return fmt::format("its reason is {}", got->reason);
  return std::nullopt;
}

Verdict judge_call(int code, const Memory& memory) {
  const auto called = answer<raceless_call>(memory);
  if (!called) return std::nullopt;
  raceless_call sent;
  std::memcpy(&sent, memory.argument.sent().data(), sizeof(sent));
  const bool by_name = sent.flags & RACELESS_CALL_BY_NAME;
  if (code == 0 && (by_name ? !granted(*called) : !called->instance))
    return fmt::format("it ran, with reason {}, instance {}, publish {}, joined {}, waited {}",
                       called->reason, called->instance, called->publish, called->joined,
                       called->waited_ns);
  if (!by_name && (called->publish || called->joined || called->waited_ns || called->reason))
    return "it said how a reference was taken, and took none";
  if (code == 0 ? called->out_bytes > sent.out_bytes : called->out_bytes != sent.out_bytes)
    return fmt::format("of {} bytes of room it used {}", sent.out_bytes, called->out_bytes);
  const Arena::Range written = {0, code == 0 ? called->out_bytes : 0};
  if (const auto damage = memory.output.damage({&written, 1})) return "its output: " + *damage;
  if (const auto damage = memory.input.damage({})) return "its input: " + *damage;
  return std::nullopt;
}

Verdict judge_unload(int code, const Memory& memory) {
  const auto unloaded = answer<raceless_unload>(memory);
  if (!unloaded) return std::nullopt;
  const bool named = unloaded->owner[0] != '\0';
  if (!memchr(unloaded->owner, '\0', sizeof(unloaded->owner))) return "its owner has no NUL";
  if (named != (unloaded->instance != 0)) return "it gave an owner, or an instance, alone";
  if (named != (code == 0 || code == ETIMEDOUT))
    return fmt::format("it gave instance {} of '{}'", unloaded->instance, unloaded->owner);
  return std::nullopt;
}

Verdict judge_entry(const raceless_unload_entry& entry) {
  static const Errors kAllowed =
      errors({0, ENOENT, EBUSY, EDEADLK, EMFILE, EDQUOT, ENOMEM, ETIMEDOUT, EINVAL});
  if (entry.error >= kErrors || !kAllowed[entry.error])
    return fmt::format("an entry failed with {}", error_name(static_cast<int>(entry.error)));
  const bool done = entry.error == 0 || entry.error == ETIMEDOUT;
  if (entry.reserved || done != (entry.instance != 0) || done != (entry.owner[0] != '\0'))
    return fmt::format("an entry with error {} has instance {}, reserved {}", entry.error,
                       entry.instance, entry.reserved);
  return std::nullopt;
}

Verdict judge_entries(int code, const Memory& memory) {
  raceless_unload_many many;
  std::memcpy(&many, memory.argument.sent().data(), sizeof(many));
  if (code != 0) {
    const auto damage = memory.input.damage({});
    return damage ? Verdict("its entries: " + *damage) : std::nullopt;
  }
  const std::span<const uint8_t> bytes = memory.input.now();
  std::vector<Arena::Range> written;
  for (size_t at = 0; at + sizeof(raceless_unload_entry) <= bytes.size(); at += many.entry_bytes) {
    written.push_back(
        {at + sizeof(raceless_unload_entry::name), at + sizeof(raceless_unload_entry)});
    raceless_unload_entry entry;
    std::memcpy(&entry, bytes.data() + at, sizeof(entry));
    if (Verdict wrong = judge_entry(entry)) return wrong;
  }
  const auto damage = memory.input.damage(written);
  return damage ? Verdict("its entries: " + *damage) : std::nullopt;
}

Verdict judge_answer(const Request& request, int code, const Memory& memory) {
  switch (request.kind) {
    case Kind::get:
      return judge_get(code, memory);
    case Kind::call:
      return judge_call(code, memory);
    case Kind::unload:
      return judge_unload(code, memory);
    case Kind::unload_many:
      return judge_entries(code, memory);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> judge(const Request& request, int code, const Memory& memory) {
  const auto index = static_cast<size_t>(code);
  if (index >= kErrors || !request.allowed[index])
    return fmt::format("it ended with {}", code ? error_name(code) : "success");
  const auto answers = contract(request.kind).answers;
  const auto damage =
      memory.argument.damage(request.untouched ? std::span<const Arena::Range>() : answers);
  if (damage) return "its argument: " + *damage;
  // half an answer, or none because the descriptor was closed
  if (request.untouched || code == ENOTTY || code == EFAULT || code == EBADF) return std::nullopt;
  return judge_answer(request, code, memory);
}

}  // namespace raceless::fuzz
