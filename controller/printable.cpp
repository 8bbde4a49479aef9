// SPDX-License-Identifier: GPL-2.0
#include "printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace raceless {

namespace {

uint8_t byte_at(std::string_view bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

// How long a character with this first byte is, and the least that it may stand for in so many
// bytes; 0: no character begins so.
size_t length_of(uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

// The length of the character that the text begins with, and what it is; 0 if it begins with none.
size_t decode(std::string_view bytes, uint32_t& character) {
  constexpr std::array<uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const uint8_t first = byte_at(bytes, 0);
  const size_t length = length_of(first);
  if (length == 0 || length > bytes.size()) return 0;
  character = length == 1 ? first : first & (0x7fU >> length);
  for (size_t i = 1; i < length; i++) {
    if ((byte_at(bytes, i) & 0xc0) != 0x80) return 0;
    character = character << 6 | (byte_at(bytes, i) & 0x3fU);
  }
  const bool is_surrogate = character >= 0xd800 && character <= 0xdfff;
  return character < kLeast[length] || character > 0x10ffff || is_surrogate ? 0 : length;
}

// C0, DEL, and C1, of which CSI is as good as ESC [ to some terminals.
bool is_control(uint32_t character) {
  return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

std::string rewrite(std::string_view bytes, bool with_controls) {
  std::string text;
  while (!bytes.empty()) {
    uint32_t character = 0;
    const size_t length = decode(bytes, character);
    const bool is_kept = length > 0 && (with_controls || !is_control(character));
    const size_t taken = std::max<size_t>(length, 1);
    for (size_t i = 0; i < taken; i++)
      text += is_kept ? std::string(1, bytes[i]) : fmt::format("\\x{:02x}", byte_at(bytes, i));
    bytes.remove_prefix(taken);
  }
  return text;
}

}  // namespace

std::string to_utf8(std::string_view bytes) { return rewrite(bytes, true); }

std::string printable(std::string_view bytes) { return rewrite(bytes, false); }

std::string shell_quoted(std::string_view word) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+:,@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos)
    return std::string(word);
  std::string text = "'";
  for (const char character : word)
    text += character == '\'' ? std::string("'\\''") : std::string(1, character);
  return text + "'";
}

}  // namespace raceless
