// SPDX-License-Identifier: GPL-2.0
#include "report.h"

#include <cstdlib>
#include <fstream>

#include <nlohmann/json.hpp>

namespace raceless::vm {
namespace {

using Json = nlohmann::ordered_json;

Json ktap_json(const KtapSummary& ktap) {
  Json tests = Json::array();
  for (const KtapResult& result : ktap.results) {
    tests.push_back({{"name", result.name}, {"ok", result.ok}, {"skipped", result.skipped}});
    if (!result.ok) tests.back()["diagnostics"] = result.diagnostics;
  }
  return {{"planned", ktap.planned}, {"problem", ktap.problem()}, {"tests", tests}};
}

}  // namespace

Status write_report(const RunSpec& spec, const Machine& machine, const std::string& qemu_version,
                    const RunOutcome& outcome) {
  const Evidence& seen = outcome.seen;
  Json splats = Json::array();
  for (const Splat& s : seen.splats)
    splats.push_back(
        {{"class", name_of(s.which)}, {"line", s.line}, {"text", s.text}, {"place", s.place}});
  const char* commit = std::getenv("RACELESS_COMMIT");
  Json report = {
      {"schema", 1},
      {"verdict", name_of(outcome.judgement.verdict)},
      {"cause", outcome.judgement.cause},
      {"case", spec.name},
      {"command", spec.files.argv},
      {"kernel", spec.kernel.release},
      {"accel", {{"name", outcome.accel.name}, {"reason", outcome.accel.reason}}},
      {"smp", spec.smp},
      {"memory_mib", spec.memory_mib},
      {"commit", commit ? commit : "unknown"},
      {"qemu", {{"version", qemu_version}, {"exit", seen.qemu_status}}},
      {"kernel_arguments", machine.kernel_arguments()},
      {"patience", machine.patience},
      {"retries_before_init", seen.boots > 0 ? seen.boots - 1 : 0},
      {"exit_status", seen.ended ? Json(seen.status) : Json(nullptr)},
      {"taint", seen.ended ? Json(seen.taint) : Json(nullptr)},
      {"limit_s", seen.limit_s},
      {"seconds",
       {{"boot", outcome.times.boot_s},
        {"command", outcome.times.command_s},
        {"total", outcome.times.total_s},
        {"qemu_cpu", outcome.times.cpu_s}}},
      {"splats", splats},
      {"foreign", seen.foreign},
      {"allowed", spec.allow},
      {"allowed_warnings", seen.allowed_warnings},
  };
  if (seen.audited) report["numbers"] = seen.numbers;
  if (seen.ktap) report["ktap"] = ktap_json(*seen.ktap);
  std::ofstream out(spec.folder / "case.json");
  out << report.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  out.flush();
  if (!out) return fail(EIO, "cannot write " + (spec.folder / "case.json").string());
  return {};
}

}  // namespace raceless::vm
