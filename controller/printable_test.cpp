// SPDX-License-Identifier: GPL-2.0
#include "printable.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

TEST(Printable, CharactersStayAndOtherBytesAreNumbers) {
  EXPECT_EQ(to_utf8("dummy"), "dummy");
  EXPECT_EQ(to_utf8("µ €𝄞"), "µ €𝄞");
  EXPECT_EQ(to_utf8("a\xff"
                    "b"),
            "a\\xffb");
  EXPECT_EQ(to_utf8("half \xe2\x82"), "half \\xe2\\x82");
  EXPECT_EQ(to_utf8("\x80"), "\\x80");
  EXPECT_EQ(to_utf8("\xc0\xaf"), "\\xc0\\xaf");                    // '/', too long
  EXPECT_EQ(to_utf8("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");           // the same
  EXPECT_EQ(to_utf8("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // half of a UTF-16 pair
  EXPECT_EQ(to_utf8("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond the last
  EXPECT_EQ(to_utf8(""), "");
}

TEST(Printable, AShellReadsOneWord) {
  EXPECT_EQ(shell_quoted("/mnt/a-b_c.1"), "/mnt/a-b_c.1");
  EXPECT_EQ(shell_quoted("/mnt/a b;id"), "'/mnt/a b;id'");
  EXPECT_EQ(shell_quoted("o'brien"), "'o'\\''brien'");
  EXPECT_EQ(shell_quoted(""), "''");
}

TEST(Printable, ControlsAreLeftToFormatsThatEscapeThem) {
  EXPECT_EQ(to_utf8("a\nb\x1b"), "a\nb\x1b");
}

TEST(Printable, NothingReachesATerminalThatItWouldObey) {
  EXPECT_EQ(printable("\x1b]0;title\x07"), "\\x1b]0;title\\x07");
  EXPECT_EQ(printable("two\nlines\r\t"), "two\\x0alines\\x0d\\x09");
  EXPECT_EQ(printable("\x7f"), "\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "2J"),
            "\\xc2\\x9b2J");  // CSI in one character
  EXPECT_EQ(printable("\x9b"
                      "2J"),
            "\\x9b2J");  // and in one byte
  EXPECT_EQ(printable("µ\xff"), "µ\\xff");
}

}  // namespace
}  // namespace raceless
