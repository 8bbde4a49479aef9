// SPDX-License-Identifier: GPL-2.0
// What a report is on: all that is in the folders and files that were named.
#ifndef RACELESS_CONTROLLER_REPORT_INPUTS_H
#define RACELESS_CONTROLLER_REPORT_INPUTS_H

#include <string>
#include <vector>

#include "report/stored_benchmarks.h"
#include "report/stored_run.h"
#include "result.h"

namespace raceless {

// Side by side, with a letter each.
constexpr size_t kMostRuns = 24;

struct Inputs {
  std::vector<StoredRun> runs;
  std::vector<Ratios> ratios;
  std::vector<BenchmarkFile> benchmarks;
};

// In the order of the names, and of the paths below a folder. An error if one of them cannot be
// read, or holds nothing to report on.
[[nodiscard]] Result<Inputs> read_inputs(const std::vector<std::string>& names);

}  // namespace raceless

#endif
