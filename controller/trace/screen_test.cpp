// SPDX-License-Identifier: GPL-2.0
#include "trace/screen.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>

namespace raceless {
namespace {

// Both ends of something that is written to as a stream.
class Output {
 public:
  static Output terminal(unsigned short rows, unsigned short columns) {
    winsize size{rows, columns, 0, 0};
    int ends[2];
    EXPECT_EQ(openpty(&ends[0], &ends[1], nullptr, nullptr, &size), 0);
    return {ends[0], ends[1]};
  }
  static Output pipe() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    return {ends[0], ends[1]};
  }
  ~Output() { close(from_); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  [[nodiscard]] FILE* stream() const { return to_.get(); }
  [[nodiscard]] std::string read() const {
    std::fflush(to_.get());
    fcntl(from_, F_SETFL, O_NONBLOCK);
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t bytes; (bytes = ::read(from_, buffer.data(), buffer.size())) > 0;)
      text.append(buffer.data(), static_cast<size_t>(bytes));
    return text;
  }

 private:
  Output(int from, int to) : from_(from), to_(fdopen(to, "w"), fclose) {}
  int from_;
  std::unique_ptr<FILE, int (*)(FILE*)> to_;
};

class ScreenTest : public testing::Test {
 protected:
  void SetUp() override { setenv("TERM", "xterm", 1); }
};

TEST_F(ScreenTest, ElsewhereAllIsAppendedAndATableOnlyIfItChanged) {
  const Output pipe = Output::pipe();
  Screen screen(pipe.stream());
  screen.event("one");
  screen.table("head 1", "a 1\n");
  screen.table("head 2", "a 1\n");
  screen.table("head 3", "a 2\n");
  EXPECT_EQ(pipe.read(), "one\nhead 1\na 1\nhead 3\na 2\n");
}

TEST_F(ScreenTest, OnATerminalTheTableIsRedrawnWithTheLastEventsBelow) {
  const Output terminal = Output::terminal(24, 80);
  Screen screen(terminal.stream());
  screen.event("one");
  EXPECT_EQ(terminal.read(), "");
  screen.table("head 1", "a 1\n");
  EXPECT_EQ(terminal.read(), "\033[Jhead 1\r\na 1\r\n\r\none\r\n");
  screen.event("two");
  screen.table("head 2", "a 2\n");
  EXPECT_EQ(terminal.read(), "\033[4A\033[Jhead 2\r\na 2\r\n\r\none\r\ntwo\r\n");
  screen.leave();
  screen.table("head 3", "a 3\n");
  EXPECT_EQ(terminal.read().find("\033[5A"), std::string::npos);
}

TEST_F(ScreenTest, WhatDoesNotFitIsCut) {
  const Output terminal = Output::terminal(6, 10);
  Screen screen(terminal.stream());
  screen.event("an event that is too long");
  screen.table("head", "1\n2\n3\n4\n5\n");
  EXPECT_EQ(terminal.read(), "\033[Jhead\r\n… and 5\r\n\r\nan event \r\n");
}

TEST_F(ScreenTest, ATerminalThatCannotMoveItsCursorIsNone) {
  setenv("TERM", "dumb", 1);
  const Output terminal = Output::terminal(24, 80);
  Screen screen(terminal.stream());
  screen.event("one");
  screen.table("head", "a 1\n");
  EXPECT_EQ(terminal.read(), "one\r\nhead\r\na 1\r\n");
}

}  // namespace
}  // namespace raceless
