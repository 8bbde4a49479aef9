// SPDX-License-Identifier: GPL-2.0
// The numbers of a run.json against each other: what the threads of the storm counted themselves,
// what the registry counted, what BPF counted; and what they did against their plan.
#ifndef RACELESS_CONTROLLER_AUDIT_RUN_FILE_H
#define RACELESS_CONTROLLER_AUDIT_RUN_FILE_H

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "audit/comparison.h"
#include "result.h"

namespace raceless {

[[nodiscard]] Result<nlohmann::json> read_run(const std::string& path);

// A run in which a thread got stuck lacks that thread's numbers, and cannot agree.
void compare_run(const nlohmann::json& run, Comparison& comparison);

}  // namespace raceless

#endif
