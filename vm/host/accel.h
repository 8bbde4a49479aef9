// SPDX-License-Identifier: GPL-2.0
// Which accelerator a guest gets: probed, because /dev/kvm can exist, open, and still not work.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "../../controller/result.h"

namespace raceless::vm {

struct Accel {
  std::string name;    // kvm or tcg
  std::string reason;  // why this one, in words
};

// `wanted` is auto, kvm or tcg; the last two are taken as they are, though kvm must open. For auto,
// KVM needs the processor's flag, a device that opens, and `probe`, which boots a guest with it
// and says whether it reached its end.
[[nodiscard]] Result<Accel> choose_accel(const std::string& wanted,
                                         const std::filesystem::path& root,
                                         const std::function<Result<bool>()>& probe);

}  // namespace raceless::vm
