// SPDX-License-Identifier: GPL-2.0
// Gets without a put as one reads them: those of one stack together.
#ifndef RACELESS_CONTROLLER_HOLDERS_CANDIDATES_H
#define RACELESS_CONTROLLER_HOLDERS_CANDIDATES_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "holders/answer.h"
#include "holders/get_ledger.h"
#include "holders/holder.h"

namespace raceless {

struct GetNaming {
  std::function<std::vector<std::string>(const std::vector<uint64_t>& stack)> stack;
  std::function<bool(uint32_t tid)> is_alive;
};

// The most frequent first. Those of processes that are named as users of `holders` come last, as
// they are likely to be the same references.
[[nodiscard]] std::vector<Candidate> make_candidates(const std::vector<ModuleGet>& gets,
                                                     const std::vector<Holder>& holders,
                                                     uint64_t now_ns, const GetNaming& naming);

}  // namespace raceless

#endif
