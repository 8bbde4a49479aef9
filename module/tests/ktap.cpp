// SPDX-License-Identifier: GPL-2.0
#include "ktap.h"

#include <cstdio>
#include <sstream>
#include <string>

namespace raceless {

namespace {

void print_comment(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) std::printf("# %s\n", line.c_str());
}

}  // namespace

void KtapPrinter::OnTestProgramStart(const testing::UnitTest& program) {
  std::printf("KTAP version 1\n1..%d\n", program.test_to_run_count());
  std::fflush(stdout);
}

void KtapPrinter::OnTestPartResult(const testing::TestPartResult& result) {
  if (result.passed()) return;
  const char* file = result.file_name() ? result.file_name() : "?";
  print_comment(std::string(file) + ":" + std::to_string(result.line_number()) + ": " +
                result.message());
  std::fflush(stdout);
}

void KtapPrinter::OnTestEnd(const testing::TestInfo& test) {
  const testing::TestResult& result = *test.result();
  std::printf("%s %d - %s.%s%s\n", result.Failed() ? "not ok" : "ok", ++done_,
              test.test_suite_name(), test.name(), result.Skipped() ? " # SKIP" : "");
  std::printf("# took %lld ms\n", static_cast<long long>(result.elapsed_time()));
  std::fflush(stdout);
}

}  // namespace raceless
