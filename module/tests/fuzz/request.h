// SPDX-License-Identifier: GPL-2.0
// One ioctl with all that it points to: valid, nearly so, or not at all, and what may come of it.
#ifndef RACELESS_MODULE_TESTS_FUZZ_REQUEST_H
#define RACELESS_MODULE_TESTS_FUZZ_REQUEST_H

#include <cstdint>
#include <optional>
#include <string>

#include "arena.h"
#include "contract.h"
#include "step.h"
#include "uapi/raceless.h"

namespace raceless::fuzz {

// Who makes it.
struct Caller {
  bool privileged = true;
  bool patient = false;  // waits as long as may be: it is going to be killed
  bool compat = true;    // the kernel knows calls of 32 bits
};

// Where it lies; one for each thread.
struct Memory {
  Arena argument;
  Arena input;   // of CALL; entries of UNLOAD_MANY
  Arena output;  // of CALL
};

struct Request {
  Kind kind = Kind::unknown;
  uint32_t command = 0;
  bool compat = false;
  Errors allowed;          // what it may end with
  bool harmless = false;   // it fails before it could change anything
  bool untouched = false;  // and before it could answer
  std::string text;        // for people
};

[[nodiscard]] Request make_request(Choices& choices, Memory& memory, const Caller& caller);

// What is wrong with how it ended (an errno, or 0), if anything is.
[[nodiscard]] std::optional<std::string> judge(const Request& request, int code,
                                               const Memory& memory);

}  // namespace raceless::fuzz

#endif
