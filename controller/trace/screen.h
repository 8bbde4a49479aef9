// SPDX-License-Identifier: GPL-2.0
// Where the live table goes: redrawn in place on a terminal, appended elsewhere.
#ifndef RACELESS_CONTROLLER_TRACE_SCREEN_H
#define RACELESS_CONTROLLER_TRACE_SCREEN_H

#include <cstddef>
#include <cstdio>
#include <deque>
#include <string>

namespace raceless {

class Screen {
 public:
  // A terminal that cannot move its cursor (TERM=dumb) is none here.
  explicit Screen(FILE* out);

  // On a terminal among the last few, below the table; elsewhere printed at once.
  void event(const std::string& text);
  // On a terminal in place of the last one, cut to its size; elsewhere printed if it has changed.
  void table(const std::string& head, const std::string& text);
  // The last table stays, and what follows goes below it.
  void leave();

  // Somebody still reads.
  [[nodiscard]] bool is_open() const;

 private:
  void redraw(const std::string& head, const std::string& text);

  FILE* out_;
  bool redraws_;
  size_t drawn_lines_ = 0;
  std::deque<std::string> events_;
  std::string last_;
};

}  // namespace raceless

#endif
