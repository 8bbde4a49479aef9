// SPDX-License-Identifier: GPL-2.0
#include "trace/screen.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace raceless {

namespace {

constexpr size_t kShownEvents = 10;

struct Size {
  size_t rows = 24;
  size_t columns = 80;
};

Size size_of(FILE* out) {
  winsize window{};
  if (ioctl(fileno(out), TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0)
    return {};
  return {window.ws_row, window.ws_col};
}

bool moves_cursor(FILE* out) {
  const char* term = std::getenv("TERM");
  return isatty(fileno(out)) == 1 && term != nullptr && *term != '\0' &&
         std::string_view(term) != "dumb";
}

void add_lines(std::vector<std::string>& lines, std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
  }
}

// A character that is half cut off is left out whole.
std::string cut(const std::string& line, size_t columns) {
  if (line.size() <= columns) return line;
  size_t end = columns;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) end--;
  return line.substr(0, end);
}

}  // namespace

Screen::Screen(FILE* out) : out_(out), redraws_(moves_cursor(out)) {}

void Screen::event(const std::string& text) {
  if (!redraws_) {
    fmt::print(out_, "{}\n", text);
    return;
  }
  std::vector<std::string> lines;
  add_lines(lines, text);
  for (std::string& line : lines) events_.push_back(std::move(line));
  while (events_.size() > kShownEvents) events_.pop_front();
}

void Screen::redraw(const std::string& head, const std::string& text) {
  const Size size = size_of(out_);
  // The last line is left to the cursor, and to ^C.
  const size_t room = size.rows > 2 ? size.rows - 2 : 1;
  std::vector<std::string> lines;
  add_lines(lines, head + "\n" + text);
  const size_t events = std::min(events_.size(), room / 2);
  if (lines.size() + events + 1 > room) {
    const size_t kept = room - events - 1;
    const size_t left_out = lines.size() - kept;
    lines.resize(kept);
    if (kept > 0) lines.back() = fmt::format("… and {} more", left_out + 1);
  }
  lines.emplace_back();
  lines.insert(lines.end(), events_.end() - static_cast<std::ptrdiff_t>(events), events_.end());
  if (drawn_lines_ > 0) fmt::print(out_, "\033[{}A", drawn_lines_);
  fmt::print(out_, "\033[J");
  for (const std::string& line : lines) fmt::print(out_, "{}\n", cut(line, size.columns - 1));
  drawn_lines_ = lines.size();
}

void Screen::table(const std::string& head, const std::string& text) {
  if (redraws_) {
    redraw(head, text);
  } else if (text != last_) {
    fmt::print(out_, "{}\n{}", head, text);
    last_ = text;
  }
  std::fflush(out_);
}

void Screen::leave() {
  drawn_lines_ = 0;
  std::fflush(out_);
}

bool Screen::is_open() const { return std::ferror(out_) == 0; }

}  // namespace raceless
