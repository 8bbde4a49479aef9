// SPDX-License-Identifier: GPL-2.0
// The smallest romfs: an empty root folder.
#ifndef RACELESS_CONTROLLER_TARGETS_ROMFS_IMAGE_H
#define RACELESS_CONTROLLER_TARGETS_ROMFS_IMAGE_H

#include <string>

namespace raceless {

// 4096 bytes, checksums right, as the kernel's Documentation/filesystems/romfs.rst describes it.
[[nodiscard]] std::string romfs_image();

}  // namespace raceless

#endif
