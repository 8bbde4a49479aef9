// SPDX-License-Identifier: GPL-2.0
// The last check of a storm: do its own numbers agree?
#ifndef RACELESS_CONTROLLER_STORM_CHECK_NUMBERS_H
#define RACELESS_CONTROLLER_STORM_CHECK_NUMBERS_H

#include "storm/context.h"
#include "storm/parameters.h"
#include "storm/storm.h"

namespace raceless {

// Numbers that disagree break the storm's verdict, as whatever it says may be wrong: a finding is
// added, and printed on stderr. Those of a thread that is stuck are missing anyway.
void check_numbers(const Context& context, const Parameters& parameters, StormResult& result);

}  // namespace raceless

#endif
