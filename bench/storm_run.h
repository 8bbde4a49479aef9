// SPDX-License-Identifier: GPL-2.0
// A storm as its users run it, with the command, and what it says of itself.
#ifndef RACELESS_BENCH_STORM_RUN_H
#define RACELESS_BENCH_STORM_RUN_H

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "result.h"

namespace raceless {

// Runs `raceless storm` with these options for so long, and returns its run.json. Fails if the
// storm does: one that broke a promise is no benchmark.
[[nodiscard]] Result<nlohmann::json> run_storm(const std::string& options, uint32_t seconds);

}  // namespace raceless

#endif
