// SPDX-License-Identifier: GPL-2.0
// Do the registry's numbers agree with the kernel's? `raceless audit`, before and after a command.
#pragma once

#include <string>

namespace raceless::guest {

// Begins to count; why it cannot, or nothing.
[[nodiscard]] std::string begin_audit();
// Compares; one line that begins with "agree", or says what does not. Leaves audit.json in
// /results.
[[nodiscard]] std::string end_audit();

}  // namespace raceless::guest
