// SPDX-License-Identifier: GPL-2.0
// Durations as people write and read them: "30s", "250ms", "1.7 ms".
#ifndef RACELESS_CONTROLLER_DURATION_H
#define RACELESS_CONTROLLER_DURATION_H

#include <cstdint>
#include <string>

#include "result.h"

namespace raceless {

// A whole number and one of ns, us, ms, s, m, h; without a unit, seconds.
[[nodiscard]] Result<uint64_t> parse_duration(const std::string& text);

// Three significant digits in the unit that fits.
[[nodiscard]] std::string format_duration(uint64_t ns);

}  // namespace raceless

#endif
