// SPDX-License-Identifier: GPL-2.0
#include "../host/ktap.h"

#include <gtest/gtest.h>

namespace raceless::vm {
namespace {

std::string problem(const std::string& text) { return read_ktap(text).problem(); }

TEST(Ktap, AWholeDocumentThatPasses) {
  EXPECT_EQ(problem("noise\nKTAP version 1\n1..2\nok 1 - a\n# comment\nok 2 b # SKIP no reason\n"),
            "");
}

TEST(Ktap, ThePlanMayComeLast) { EXPECT_EQ(problem("TAP version 13\nok 1 - a\n1..1\n"), ""); }

TEST(Ktap, WhatIsMissingIsAProblem) {
  EXPECT_EQ(problem(""), "no KTAP on stdout");
  EXPECT_EQ(problem("ok 1 - a\n1..1\n"), "no KTAP on stdout");
  EXPECT_EQ(problem("KTAP version 1\nok 1 - a\n"), "KTAP without a plan");
  EXPECT_EQ(problem("KTAP version 1\n1..2\nok 1 - a\n"), "2 tests were planned, 1 reported");
  EXPECT_EQ(problem("KTAP version 1\n1..1\nok 1 - a\nok 2 - b\n"),
            "1 tests were planned, 2 reported");
  EXPECT_EQ(problem("KTAP version 1\n1..0\n"), "a plan of no tests");
}

TEST(Ktap, AFailureIsNamed) {
  EXPECT_EQ(problem("KTAP version 1\n1..2\nok 1 - a\nnot ok 2 - the second # why\n"),
            "1 of 2 tests failed, the first: the second");
}

TEST(Ktap, AFailureThatItsParentDeniesCounts) {
  EXPECT_EQ(problem("KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  not ok 1 - inner\n"
                    "ok 1 - outer\n"),
            "failed: inner");
  EXPECT_NE(problem("KTAP version 1\n1..1\n  1..1\n  not ok 1 - inner\nnot ok 1 - outer\n"), "");
}

TEST(Ktap, AFailureKeepsTheCommentsBesideIt) {
  const KtapSummary ktap = read_ktap(
      "KTAP version 1\n1..3\n# of the first\nok 1 - a\n# before\nnot ok 2 - b\n# after\n# too\n"
      "ok 3 - c\n# of nobody\n");
  ASSERT_EQ(ktap.results.size(), 3U);
  EXPECT_TRUE(ktap.results[0].diagnostics.empty());
  EXPECT_EQ(ktap.results[1].diagnostics, (std::vector<std::string>{"before", "after", "too"}));
  EXPECT_TRUE(ktap.results[2].diagnostics.empty());
}

TEST(Ktap, NumbersMustBeInOrder) {
  EXPECT_EQ(problem("KTAP version 1\n1..2\nok 1 - a\nok 1 - a\n"),
            "failed: test number 1 where 2 was due");
}

TEST(Ktap, BailOutIsAProblem) {
  EXPECT_EQ(problem("KTAP version 1\n1..1\nok 1 - a\nBail out! no module\n"),
            "Bail out! no module");
}

TEST(Ktap, ProseThatLooksLikeAResultIsNone) {
  EXPECT_TRUE(read_ktap("ok\nok then\nnot okay 1\nok 1st\n1..2..3\n").results.empty());
}

TEST(Ktap, CarriageReturnsDoNotMatter) {
  EXPECT_EQ(problem("KTAP version 1\r\n1..1\r\nok 1 - a\r\n"), "");
}

TEST(Ktap, OnlyItsOwnLinesAreKept) {
  EXPECT_EQ(ktap_lines("KTAP version 1\nhello\n1..1\n  ok 1 - a\n# c\nok 1 - b\n"),
            "KTAP version 1\n1..1\n  ok 1 - a\n# c\nok 1 - b\n");
}

}  // namespace
}  // namespace raceless::vm
