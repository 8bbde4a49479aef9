// SPDX-License-Identifier: GPL-2.0
// /dev/raceless: one descriptor, which owns the references and holds taken through it.
#ifndef RACELESS_CONTROLLER_DEVICE_H
#define RACELESS_CONTROLLER_DEVICE_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "file_descriptor.h"
#include "result.h"
#include "uapi/raceless.h"

namespace raceless {

// How a reference was obtained: see struct raceless_get.
struct Grant {
  uint64_t instance = 0;
  uint64_t publish = 0;
  uint64_t joined = 0;
  uint64_t waited_ns = 0;
};

struct Got {
  uint32_t ref = 0;
  Grant grant;
};

struct Called {
  uint32_t out_bytes = 0;
  Grant grant;  // of a call by reference, only the instance is set
};

struct Unloaded {
  uint64_t instance = 0;
  uint64_t stop_ns = 0;
  uint64_t grace_ns = 0;
  uint64_t drain_ns = 0;
  uint64_t destroy_ns = 0;
  std::string owner;  // the module, for delete_module(2)
};

// What became of one name of many.
struct NameUnloaded {
  std::string name;
  int error = 0;      // an errno
  Unloaded unloaded;  // also of one that is not over yet (ETIMEDOUT): instance and owner
};

// Why a get, or a call, failed. A call by name that failed without a reason had its reference: it
// was the provider who said no.
struct [[nodiscard]] Refusal {
  Error error;
  uint32_t reason = RACELESS_REASON_NONE;  // enum raceless_reason
  Grant grant = {};                        // of such a call
};

template <typename T>
using GetResult = tl::expected<T, Refusal>;

[[nodiscard]] const char* reason_name(uint32_t reason);
[[nodiscard]] const char* state_name(uint32_t state);
[[nodiscard]] const char* promise_name(uint32_t promise);

// [a-z0-9_], 1 to 46 characters; else a message that says so.
[[nodiscard]] Status check_provider_name(const std::string& name);

class Device {
 public:
  [[nodiscard]] static Result<Device> open(const std::string& path = RACELESS_DEVICE);

  [[nodiscard]] GetResult<Got> get(const std::string& name, uint64_t timeout_ns,
                                   uint32_t flags = 0);
  [[nodiscard]] Status put(uint32_t ref);

  // Runs a provider's operation through a reference that get() gave.
  [[nodiscard]] Result<Called> call(uint32_t ref, uint32_t op, std::span<const std::byte> in,
                                    std::span<std::byte> out);
  // get, call and put in one, in the kernel.
  [[nodiscard]] GetResult<Called> call_by_name(const std::string& name, uint64_t timeout_ns,
                                               uint32_t op, std::span<const std::byte> in,
                                               std::span<std::byte> out);

  [[nodiscard]] Result<Unloaded> unload(const std::string& name, uint64_t timeout_ns,
                                        uint32_t flags = 0);
  // Together: one grace period, one timeout. Fails only if no name was touched.
  [[nodiscard]] Result<std::vector<NameUnloaded>> unload_many(const std::vector<std::string>& names,
                                                              uint64_t timeout_ns,
                                                              uint32_t flags = 0);
  [[nodiscard]] Status release(const std::string& name);

  // Whether raceless.ko holds calls; see gate/gate.h, which has the other half.
  [[nodiscard]] Status gate(bool on);

 private:
  explicit Device(FileDescriptor fd) : fd_(std::move(fd)) {}

  FileDescriptor fd_;
};

}  // namespace raceless

#endif
