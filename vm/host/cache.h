// SPDX-License-Identifier: GPL-2.0
// Folders that are costly to make, kept by the text that describes them.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "../../controller/result.h"

namespace raceless::vm {

// The folder under `root` for this key. It is made in a folder beside it and renamed, so it is
// whole or absent whatever dies; two makers at once are safe. `fresh` says whether an old one still
// holds; the oldest beyond a dozen are removed.
[[nodiscard]] Result<std::filesystem::path> cached(
    const std::filesystem::path& root, const std::string& key,
    const std::function<bool(const std::filesystem::path&)>& fresh,
    const std::function<Status(const std::filesystem::path&)>& make);

}  // namespace raceless::vm
