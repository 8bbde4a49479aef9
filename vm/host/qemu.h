// SPDX-License-Identifier: GPL-2.0
// Which QEMU runs the guests.
#pragma once

#include <filesystem>
#include <string>

#include "../../controller/result.h"

namespace raceless::vm {

// A name that PATH resolves, so that a run folder's qemu-cmd works wherever there is a QEMU.
inline constexpr const char* qemu = "qemu-system-x86_64";

// Puts the QEMU that vm/qemu of the tree chooses first in PATH, for us and our children.
[[nodiscard]] Status choose_qemu(const std::filesystem::path& source);
[[nodiscard]] Result<std::string> qemu_version();

}  // namespace raceless::vm
