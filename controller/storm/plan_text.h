// SPDX-License-Identifier: GPL-2.0
// The plan of a storm as text: what each thread would do, without doing it.
#ifndef RACELESS_CONTROLLER_STORM_PLAN_TEXT_H
#define RACELESS_CONTROLLER_STORM_PLAN_TEXT_H

#include <cstdint>
#include <string>

#include "storm/parameters.h"
#include "targets/target.h"

namespace raceless {

// A line for each of the first operations of each thread, and one with their digest.
[[nodiscard]] std::string plan_text(const Parameters& parameters, const Target& target,
                                    uint64_t operations);

}  // namespace raceless

#endif
