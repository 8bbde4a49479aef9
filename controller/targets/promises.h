// SPDX-License-Identifier: GPL-2.0
// What the registry promises to one consumer, as far as one answer shows it.
#ifndef RACELESS_CONTROLLER_TARGETS_PROMISES_H
#define RACELESS_CONTROLLER_TARGETS_PROMISES_H

#include <cstdint>
#include <string>
#include <vector>

#include "device.h"

namespace raceless {

struct Broken {
  uint32_t promise = RACELESS_PROMISE_NONE;
  std::string what;
};

// Did this get have to wait for a publish?
[[nodiscard]] bool waited(const Grant& grant);

// `destroyed_before`: an instance whose destroy had returned before the get began; 0 if none.
[[nodiscard]] std::vector<Broken> check_grant(const Grant& grant, uint64_t destroyed_before);

// Which refusals belong to the provider rather than to the registry.
struct Excuses {
  int init_error = 0;          // with which an init fails, as it was asked to; 0: none does
  bool may_be_absent = false;  // asked for without waiting, and others take it away
};

// A get that failed.
[[nodiscard]] std::vector<Broken> check_refusal(const Refusal& refusal, Excuses excuses);

}  // namespace raceless

#endif
