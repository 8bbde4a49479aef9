// SPDX-License-Identifier: GPL-2.0
#include "storm/plan_text.h"

#include <fmt/format.h>

#include "storm/storm.h"

namespace raceless {

namespace {

std::string op_text(const Op& op) {
  return fmt::format("pause_ns={} hold_ns={} calls={} percent={} choice={:016x}", op.pause_ns,
                     op.hold_ns, op.calls, op.percent, op.choice);
}

}  // namespace

std::string plan_text(const Parameters& parameters, const Target& target, uint64_t operations) {
  const Plan plan(parameters.seed);
  const Crews crews = crews_for(parameters, target);
  std::string text = fmt::format("# seed {}, target {}\n", parameters.seed, parameters.target);
  for (const Role role : kRoles) {
    const Crew& crew = crews[static_cast<size_t>(role)];
    for (uint32_t index = 0; index < crew.threads; index++) {
      const std::string thread = fmt::format("{}-{}", role_name(role), index);
      OpStream stream = plan.stream(role, index, crew.pacing, target.max_hold_ns());
      PlanDigest digest;
      while (digest.operations() < operations) {
        const Op op = stream.next();
        digest.add(op);
        text += fmt::format("{} {} {}\n", thread, digest.operations(), op_text(op));
      }
      text += fmt::format("{} digest of {}: {:016x}\n", thread, operations, digest.value());
    }
  }
  return text;
}

}  // namespace raceless
