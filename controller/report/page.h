// SPDX-License-Identifier: GPL-2.0
// One HTML file with runs and benchmarks in it, for a browser, from disk.
#ifndef RACELESS_CONTROLLER_REPORT_PAGE_H
#define RACELESS_CONTROLLER_REPORT_PAGE_H

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "report/inputs.h"
#include "result.h"

namespace raceless {

// Of all series together; the rest of a page is some 100 kB, and 30 kB for each run.
constexpr size_t kMostSeriesBytes = 8'000'000;

// The command that makes the page, and when it was made.
struct Making {
  std::string command;
  std::string time;
};

// What the page's script reads: dashboard/src/data.ts.
[[nodiscard]] nlohmann::json page_data(const Inputs& inputs, const Making& making);

// The data in its place in the page. An error if the page was left out when raceless was built.
[[nodiscard]] Result<std::string> page_text(std::string_view page, const nlohmann::json& data);

}  // namespace raceless

#endif
