// SPDX-License-Identifier: GPL-2.0
// What a storm leaves: run.json for machines (docs/run.md), the summary for people.
#ifndef RACELESS_CONTROLLER_STORM_REPORT_H
#define RACELESS_CONTROLLER_STORM_REPORT_H

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "histogram.h"
#include "result.h"
#include "storm/context.h"
#include "storm/parameters.h"
#include "storm/storm.h"

namespace raceless {

constexpr int kRunSchema = 1;

// By name in run.json. Where tracing saw the same latency, its histogram is taken: it saw all
// unloads, the storm's threads only those that they made through /dev/raceless.
[[nodiscard]] std::map<std::string, Histogram> all_histograms(const StormResult& result);

[[nodiscard]] nlohmann::json run_json(const Context& context, const Parameters& parameters,
                                      const StormResult& result);

// As a file: one line for each member, and for each row of the series.
[[nodiscard]] std::string run_text(const nlohmann::json& run);

// run.json, and timeline.json if there is to be one.
[[nodiscard]] Status write_run(const std::string& folder, const nlohmann::json& run,
                               const Parameters& parameters, const StormResult& result);

[[nodiscard]] std::string summary_text(const Context& context, const Parameters& parameters,
                                       const StormResult& result);

// "12.3 s  4711 gets, 0 failed, 132 unloads, 131 reloads"
[[nodiscard]] std::string progress_text(const Parameters& parameters, const Sample& sample);

}  // namespace raceless

#endif
