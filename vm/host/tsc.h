// SPDX-License-Identifier: GPL-2.0
// The host's time stamp counter, which under TCG is the guest's.
#pragma once

#include <cstdint>

namespace raceless::vm {

// Its frequency, measured against the host's clock. Takes 50 ms.
[[nodiscard]] std::uint64_t measure_tsc_khz();

}  // namespace raceless::vm
