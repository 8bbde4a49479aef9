// SPDX-License-Identifier: GPL-2.0
// The command that makes a run, or benchmarks, again.
#ifndef RACELESS_CONTROLLER_REPORT_ORIGIN_H
#define RACELESS_CONTROLLER_REPORT_ORIGIN_H

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "report/stored_benchmarks.h"

namespace raceless {

// For a shell: quoted where it needs to be.
[[nodiscard]] std::string shell_words(const std::vector<std::string>& words);

// "raceless storm --target codec …", of a run that fits the schema.
[[nodiscard]] std::string storm_command(const nlohmann::json& run);

// "make bench KERNEL=6.12 SMP=4 PART=pairs"
[[nodiscard]] std::string bench_command(const BenchmarkFile& file);
[[nodiscard]] std::string bench_command(const Ratios& ratios);

}  // namespace raceless

#endif
