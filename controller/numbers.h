// SPDX-License-Identifier: GPL-2.0
// Numbers in text.
#ifndef RACELESS_CONTROLLER_NUMBERS_H
#define RACELESS_CONTROLLER_NUMBERS_H

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace raceless {

// The whole text is a decimal number that fits, or nothing.
[[nodiscard]] inline std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

}  // namespace raceless

#endif
