// SPDX-License-Identifier: GPL-2.0
#include "report/page.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/origin.h"

namespace raceless {

namespace {

using nlohmann::json;

constexpr std::string_view kMark = "@DATA@";

json run_data(const StoredRun& stored, size_t most_series_bytes) {
  json run = stored.run;
  run.erase("series");
  // A number of JavaScript has 53 bits.
  run["context"]["seed"] = run["context"]["seed"].dump();
  return {{"path", stored.path},
          {"command", storm_command(stored.run)},
          {"run", std::move(run)},
          {"series", pack_series(stored.series, most_series_bytes)}};
}

json benchmark_data(const BenchmarkFile& file) {
  json all = json::array();
  for (const Benchmark& one : file.benchmarks)
    all.push_back({{"name", one.name},
                   {"unit", one.unit},
                   {"repetitions", one.repetitions},
                   {"least", one.least},
                   {"median", one.median},
                   {"most", one.most}});
  return {{"path", file.path},
          {"command", bench_command(file)},
          {"context", file.context},
          {"benchmarks", std::move(all)}};
}

// In a script element, "</script" ends it whatever is around it, and so may "<!--".
std::string script_text(const json& data) {
  const std::string text = data.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<')
      safe += "\\u003c";
    else
      safe += c;
  }
  return safe;
}

}  // namespace

json page_data(const Inputs& inputs, const Making& making) {
  json runs = json::array();
  for (const StoredRun& run : inputs.runs)
    runs.push_back(run_data(run, kMostSeriesBytes / inputs.runs.size()));
  json ratios = json::array();
  for (const Ratios& one : inputs.ratios)
    ratios.push_back({{"path", one.path}, {"command", bench_command(one)}, {"ratios", one.ratios}});
  json benchmarks = json::array();
  for (const BenchmarkFile& file : inputs.benchmarks) benchmarks.push_back(benchmark_data(file));
  return {{"made", {{"command", making.command}, {"time", making.time}}},
          {"runs", std::move(runs)},
          {"ratios", std::move(ratios)},
          {"benchmarks", std::move(benchmarks)}};
}

Result<std::string> page_text(std::string_view page, const json& data) {
  const size_t mark = page.find(kMark);
  if (mark == std::string_view::npos) {
    const std::string why(page.substr(0, page.find('\n')));
    return fail(0, "this raceless was built without the page of the report: " + why +
                       "; raceless report --against needs none");
  }
  return std::string(page.substr(0, mark)) + script_text(data) +
         std::string(page.substr(mark + kMark.size()));
}

}  // namespace raceless
