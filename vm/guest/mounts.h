// SPDX-License-Identifier: GPL-2.0
// The file systems of the guest.
#pragma once

#include <string>

namespace raceless::guest {

// Mounts all of them. What a kernel may lack is left out; a missing /proc or /dev is returned as
// an error in words.
[[nodiscard]] std::string mount_all();

// The whole file, or nothing when it cannot be read.
[[nodiscard]] std::string read_file(const char* path);

}  // namespace raceless::guest
