// SPDX-License-Identifier: GPL-2.0
#include "device.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>

namespace raceless {

namespace {

constexpr std::array<const char*, RACELESS_NR_REASONS> kReasons = {
    "none", "absent", "unloading", "flight", "timeout", "killed", "deadlock", "limit", "memory"};

constexpr std::array<const char*, RACELESS_NR_PROMISES> kPromises = {
    "the kernel and the storm itself work",
    "no use after destroy",
    "at most one instance is reachable",
    "a get is satisfied by the first publish after it joined",
    "one flight per name",
    "an unload costs one grace period, drain and destroy",
    "a waiter leaves nothing behind",
    "replacement is invisible",
    "everything is bounded"};

// Names are checked before they get here; a longer one would be cut, and fail with ENOENT.
template <typename Request>
Request request_for(const std::string& name) {
  Request request{};
  request.size = sizeof(request);
  const size_t length = std::min<size_t>(name.size(), RACELESS_NAME_SIZE - 1);
  std::copy_n(name.data(), length, request.name);
  return request;
}

template <typename Request>
Grant grant_of(const Request& request) {
  return {request.instance, request.publish, request.joined, request.waited_ns};
}

void set_buffers(raceless_call& request, std::span<const std::byte> in, std::span<std::byte> out) {
  request.in = reinterpret_cast<uintptr_t>(in.data());
  request.in_bytes = static_cast<uint32_t>(in.size());
  request.out = reinterpret_cast<uintptr_t>(out.data());
  request.out_bytes = static_cast<uint32_t>(out.size());
}

// As /proc/raceless calls them.
constexpr std::array kStates = {"gone", "loading", "live", "stopping", "draining", "destroying"};
static_assert(kStates.size() == RACELESS_DESTROYING + 1);

}  // namespace

const char* state_name(uint32_t state) {
  return state < kStates.size() ? kStates[state] : "unknown";
}

const char* reason_name(uint32_t reason) {
  return reason < kReasons.size() ? kReasons[reason] : "unknown";
}

const char* promise_name(uint32_t promise) {
  return promise < kPromises.size() ? kPromises[promise] : "unknown";
}

Status check_provider_name(const std::string& name) {
  const auto valid = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (name.empty() || name.size() > RACELESS_NAME_MAX || !std::ranges::all_of(name, valid))
    return fail(EINVAL, "'" + name + "' is no provider name; use 1 to " +
                            std::to_string(RACELESS_NAME_MAX) + " characters of a-z, 0-9 and _");
  return {};
}

Result<Device> Device::open(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return fail_errno("cannot open " + path);
  return Device(std::move(fd));
}

GetResult<Got> Device::get(const std::string& name, uint64_t timeout_ns, uint32_t flags) {
  auto request = request_for<raceless_get>(name);
  request.timeout_ns = timeout_ns;
  request.flags = flags;
  if (ioctl(fd_.get(), RACELESS_IOC_GET, &request) != 0)
    return tl::unexpected(Refusal{{errno, "cannot get " + name}, request.reason, {}});
  return Got{request.ref, grant_of(request)};
}

Status Device::put(uint32_t ref) {
  raceless_put request{sizeof(request), ref};
  if (ioctl(fd_.get(), RACELESS_IOC_PUT, &request) != 0)
    return fail_errno("cannot put reference " + std::to_string(ref));
  return {};
}

Result<Called> Device::call(uint32_t ref, uint32_t op, std::span<const std::byte> in,
                            std::span<std::byte> out) {
  raceless_call request{};
  request.size = sizeof(request);
  request.ref = ref;
  request.op = op;
  set_buffers(request, in, out);
  if (ioctl(fd_.get(), RACELESS_IOC_CALL, &request) != 0)
    return fail_errno("cannot call operation " + std::to_string(op));
  return Called{request.out_bytes, {request.instance, 0, 0, 0}};
}

GetResult<Called> Device::call_by_name(const std::string& name, uint64_t timeout_ns, uint32_t op,
                                       std::span<const std::byte> in, std::span<std::byte> out) {
  auto request = request_for<raceless_call>(name);
  request.flags = RACELESS_CALL_BY_NAME;
  request.op = op;
  request.timeout_ns = timeout_ns;
  set_buffers(request, in, out);
  if (ioctl(fd_.get(), RACELESS_IOC_CALL, &request) != 0)
    return tl::unexpected(
        Refusal{{errno, "cannot call " + name}, request.reason, grant_of(request)});
  return Called{request.out_bytes, grant_of(request)};
}

Result<std::vector<NameUnloaded>> Device::unload_many(const std::vector<std::string>& names,
                                                      uint64_t timeout_ns, uint32_t flags) {
  std::vector<raceless_unload_entry> entries(names.size());
  for (size_t i = 0; i < names.size(); i++)
    std::copy_n(names[i].data(), std::min<size_t>(names[i].size(), RACELESS_NAME_SIZE - 1),
                entries[i].name);
  raceless_unload_many request{};
  request.size = sizeof(request);
  request.flags = flags;
  request.timeout_ns = timeout_ns;
  request.entries = reinterpret_cast<uintptr_t>(entries.data());
  request.nr = static_cast<uint32_t>(entries.size());
  request.entry_bytes = sizeof(raceless_unload_entry);
  if (ioctl(fd_.get(), RACELESS_IOC_UNLOAD_MANY, &request) != 0)
    return fail_errno("cannot unload " + std::to_string(names.size()) + " names");
  std::vector<NameUnloaded> unloaded;
  for (size_t i = 0; i < names.size(); i++) {
    raceless_unload_entry& entry = entries[i];
    entry.owner[sizeof(entry.owner) - 1] = '\0';
    unloaded.push_back({names[i],
                        static_cast<int>(entry.error),
                        {entry.instance, entry.stop_ns, entry.grace_ns, entry.drain_ns,
                         entry.destroy_ns, entry.owner}});
  }
  return unloaded;
}

Result<Unloaded> Device::unload(const std::string& name, uint64_t timeout_ns, uint32_t flags) {
  auto request = request_for<raceless_unload>(name);
  request.timeout_ns = timeout_ns;
  request.flags = flags;
  if (ioctl(fd_.get(), RACELESS_IOC_UNLOAD, &request) != 0)
    return fail_errno("cannot unload " + name);
  request.owner[sizeof(request.owner) - 1] = '\0';
  return Unloaded{request.instance, request.stop_ns,    request.grace_ns,
                  request.drain_ns, request.destroy_ns, request.owner};
}

Status Device::release(const std::string& name) {
  auto request = request_for<raceless_release>(name);
  if (ioctl(fd_.get(), RACELESS_IOC_RELEASE, &request) != 0)
    return fail_errno("cannot release " + name);
  return {};
}

Status Device::gate(bool on) {
  raceless_gate request{sizeof(request), on ? 1U : 0U};
  if (ioctl(fd_.get(), RACELESS_IOC_GATE, &request) == 0) return {};
  const int error = errno;
  std::string what = std::string("cannot turn the gate ") + (on ? "on" : "off");
  if (error == EBUSY)
    what += "; ftrace is disabled here (sysctl kernel.ftrace_enabled=1 enables it)";
  if (error == EOPNOTSUPP) what += "; raceless.ko was built for a kernel without ftrace";
  return fail(error, what);
}

}  // namespace raceless
