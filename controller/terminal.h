// SPDX-License-Identifier: GPL-2.0
// What is printed for people: colour, tables, and the line that shows a storm's progress.
#ifndef RACELESS_CONTROLLER_TERMINAL_H
#define RACELESS_CONTROLLER_TERMINAL_H

#include <cstdio>
#include <string>
#include <vector>

namespace raceless {

enum class Color { none, green, red, yellow, bold };

// To stderr. That nobody reads it is no reason to end: what was begun has to be cleaned up.
void tell(const std::string& text);

// Colours nothing if NO_COLOR is set or the stream is no terminal.
[[nodiscard]] std::string paint(const std::string& text, Color color, FILE* stream);

// Columns as wide as their longest cell, two spaces apart.
class Table {
 public:
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

enum class Progress { automatic, always, never };

// One line on stderr that replaces itself. "automatic" means: only on a terminal.
class ProgressLine {
 public:
  explicit ProgressLine(Progress progress);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  [[nodiscard]] bool enabled() const { return enabled_; }
  void show(const std::string& text);
  // Before anything else is printed, and at the end.
  void clear();

 private:
  bool enabled_;
  size_t width_ = 0;
};

}  // namespace raceless

#endif
