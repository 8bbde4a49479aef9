// SPDX-License-Identifier: GPL-2.0
// A run.json that somebody kept: perhaps of another version, cut short, or hostile.
#ifndef RACELESS_CONTROLLER_REPORT_STORED_RUN_H
#define RACELESS_CONTROLLER_REPORT_STORED_RUN_H

#include <nlohmann/json.hpp>
#include <string>

#include "report/series.h"
#include "result.h"

namespace raceless {

struct StoredRun {
  std::string path;
  nlohmann::json run;  // fits the schema, but for its series, which has one row at the most
  Series series;
};

[[nodiscard]] Result<StoredRun> read_stored_run(const std::string& path);

}  // namespace raceless

#endif
