// SPDX-License-Identifier: GPL-2.0
#include "terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace raceless {

namespace {

const char* escape_of(Color color) {
  switch (color) {
    case Color::green:
      return "\033[32m";
    case Color::red:
      return "\033[31m";
    case Color::yellow:
      return "\033[33m";
    case Color::bold:
      return "\033[1m";
    case Color::none:
      break;
  }
  return "";
}

bool has_color(FILE* stream) {
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  return isatty(fileno(stream)) == 1;
}

}  // namespace

void tell(const std::string& text) {
  (void)std::fputs(text.c_str(), stderr);
  (void)std::fflush(stderr);
}

std::string paint(const std::string& text, Color color, FILE* stream) {
  if (color == Color::none || !has_color(stream)) return text;
  return escape_of(color) + text + "\033[0m";
}

std::string Table::text() const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); i++) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); i++)
      line += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}", row[i], widths[i] + 2);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

ProgressLine::ProgressLine(Progress progress)
    : enabled_(progress == Progress::always ||
               (progress == Progress::automatic && isatty(STDERR_FILENO) == 1)) {}

void ProgressLine::show(const std::string& text) {
  if (!enabled_) return;
  // Padded rather than erased: the line may pass through something that knows no escapes.
  tell(fmt::format("\r{:<{}}", text, width_));
  width_ = text.size();
}

void ProgressLine::clear() {
  if (!enabled_ || width_ == 0) return;
  tell(fmt::format("\r{:<{}}\r", "", width_));
  width_ = 0;
}

}  // namespace raceless
