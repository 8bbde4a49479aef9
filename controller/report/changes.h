// SPDX-License-Identifier: GPL-2.0
// What changed from one set of runs and benchmarks to another, as text.
#ifndef RACELESS_CONTROLLER_REPORT_CHANGES_H
#define RACELESS_CONTROLLER_REPORT_CHANGES_H

#include <string>

#include "report/inputs.h"
#include "result.h"

namespace raceless {

// Runs are paired by target, kernel and gate (or two are, if there is one on each side), ratios and
// benchmarks by name, kernel and clock. An error if nothing of the one has a partner in the other.
[[nodiscard]] Result<std::string> changes_text(const Inputs& base, const Inputs& now);

}  // namespace raceless

#endif
