// SPDX-License-Identifier: GPL-2.0
#include "terminal.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

TEST(Table, AlignsColumnsAndLeavesNoTrailingSpace) {
  Table table;
  table.row({"gets", "12", "0 failed", ""});
  table.row({"grace period", "3"});
  EXPECT_EQ(table.text(),
            "gets          12  0 failed\n"
            "grace period  3\n");
}

TEST(Paint, IsPlainWhenItIsNoTerminal) {
  FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(paint("pass", Color::green, file), "pass");
  std::fclose(file);
}

TEST(ProgressLine, CanBeForcedAndForbidden) {
  EXPECT_TRUE(ProgressLine(Progress::always).enabled());
  EXPECT_FALSE(ProgressLine(Progress::never).enabled());
}

TEST(ProgressLine, OverwritesItselfAndCleansUp) {
  testing::internal::CaptureStderr();
  {
    ProgressLine line(Progress::always);
    line.show("long text");
    line.show("short");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "\rlong text\rshort    \r     \r");
}

}  // namespace
}  // namespace raceless
