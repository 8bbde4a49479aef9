// SPDX-License-Identifier: GPL-2.0
// A soak as one page for people, and as soak.json.
#ifndef RACELESS_CONTROLLER_SOAK_PAGE_H
#define RACELESS_CONTROLLER_SOAK_PAGE_H

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "soak/judgement.h"
#include "soak/soak.h"
#include "storm/context.h"

namespace raceless {

struct SoakHead {
  Context context;
  uint64_t seed = 0;
  uint64_t duration_ns = 0;
  std::string make_variables;  // "KERNEL=6.12 SMP=4", for the command that repeats a storm
};

[[nodiscard]] std::string soak_page(const SoakHead& head, const SoakRecord& record,
                                    const Judgement& judgement);
[[nodiscard]] nlohmann::json soak_json(const SoakHead& head, const SoakRecord& record,
                                       const Judgement& judgement);

}  // namespace raceless

#endif
