// SPDX-License-Identifier: GPL-2.0
// QEMU's own control channel, for the one thing that a guest cannot do for itself.
#pragma once

#include <filesystem>

#include "../../controller/result.h"

namespace raceless::vm {

// Sends a non-maskable interrupt to every CPU: a kernel that was told to (unknown_nmi_panic) shows
// where it is stuck and panics, even with interrupts off.
[[nodiscard]] Status inject_nmi(const std::filesystem::path& folder);

// The socket's name in the run folder.
inline constexpr const char* qmp_socket = "qmp";

}  // namespace raceless::vm
