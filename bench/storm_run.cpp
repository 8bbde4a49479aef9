// SPDX-License-Identifier: GPL-2.0
#include "storm_run.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "audit/run_file.h"
#include "clock.h"
#include "targets/workload.h"

namespace raceless {
namespace {

constexpr char kFolder[] = "/tmp/raceless-bench-storm";
// For what a storm does before and after its time.
constexpr uint64_t kGraceNs = 300 * kNsPerSecond;

}  // namespace

Result<nlohmann::json> run_storm(const std::string& options, uint32_t seconds) {
  const std::string command = fmt::format("raceless storm {} --duration {}s --seed 1 --output {}",
                                          options, seconds, kFolder);
  Result<Workload> workload = Workload::start(command);
  if (!workload) return tl::unexpected(workload.error());
  if (!workload->wait(seconds * kNsPerSecond + kGraceNs)) return fail(ETIMEDOUT, command);
  if (const WorkloadEnd end = workload->end(); !end.ok())
    return fail(0, command + ": " + end.describe());
  return read_run(fmt::format("{}/run.json", kFolder));
}

}  // namespace raceless
