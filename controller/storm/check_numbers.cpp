// SPDX-License-Identifier: GPL-2.0
#include "storm/check_numbers.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "audit/run_file.h"
#include "storm/report.h"

namespace raceless {

namespace {

constexpr size_t kMaxFindings = 100;  // in run.json

}  // namespace

void check_numbers(const Context& context, const Parameters& parameters, StormResult& result) {
  if (result.stuck) return;
  Comparison comparison;
  compare_run(run_json(context, parameters, result), comparison);
  if (comparison.disagreement() == nullptr) return;
  fmt::print(stderr, "raceless: {}\n", comparison.summary());
  result.nr_findings++;
  if (result.findings.size() < kMaxFindings)
    result.findings.push_back({0, comparison.summary(), result.elapsed_ns, "end", 0});
}

}  // namespace raceless
