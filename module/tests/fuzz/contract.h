// SPDX-License-Identifier: GPL-2.0
// What the uapi header promises of each command: the errors that it may fail with, and the fields
// that it writes.
#ifndef RACELESS_MODULE_TESTS_FUZZ_CONTRACT_H
#define RACELESS_MODULE_TESTS_FUZZ_CONTRACT_H

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "arena.h"

namespace raceless::fuzz {

enum class Kind : uint8_t { get, put, call, unload, release, unload_many, gate, unknown };
constexpr size_t kKinds = 8;

// Errnos, and 0 for success.
constexpr size_t kErrors = 134;
using Errors = std::bitset<kErrors>;
[[nodiscard]] Errors errors(std::initializer_list<int> codes);
[[nodiscard]] std::string error_name(int code);

struct Contract {
  const char* name;
  uint32_t command;
  size_t size;
  // For callers that live on: EINTR is for those who are killed.
  Errors errors;
  std::span<const Arena::Range> answers;
};

[[nodiscard]] const Contract& contract(Kind kind);

// Is it 1 to RACELESS_NAME_MAX characters of [a-z0-9_], with its NUL?
[[nodiscard]] bool is_name(const char* name);

}  // namespace raceless::fuzz

#endif
