// SPDX-License-Identifier: GPL-2.0
// Small text files, read and written whole: those of /proc and /sys, and reports.
#ifndef RACELESS_CONTROLLER_TEXT_FILE_H
#define RACELESS_CONTROLLER_TEXT_FILE_H

#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace raceless {

// The whole file; the size that stat() reports does not matter (it is 0 in /proc).
[[nodiscard]] Result<std::string> read_text(const std::string& path);

// Replaces the file at once: whoever reads it sees the old text or the new one.
[[nodiscard]] Status write_text(const std::string& path, std::string_view text);

// The first line, without its end; "" if there is no such file.
[[nodiscard]] std::string first_line(const std::string& path);

[[nodiscard]] std::vector<std::string> split_words(std::string_view line);

}  // namespace raceless

#endif
