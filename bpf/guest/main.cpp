// SPDX-License-Identifier: GPL-2.0
// Tests of the BPF side that need a kernel to themselves, as root in a guest. Prints KTAP;
// takes GoogleTest's options (--gtest_filter). Exits with 1 when a test failed.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

namespace {

class KtapPrinter : public testing::EmptyTestEventListener {
  void OnTestProgramStart(const testing::UnitTest& program) override {
    std::printf("KTAP version 1\n1..%d\n", program.test_to_run_count());
    std::fflush(stdout);
  }
  void OnTestPartResult(const testing::TestPartResult& part) override {
    if (part.passed()) return;
    const std::string text = part.message();
    std::printf("# %s:%d\n# ", part.file_name() ? part.file_name() : "?", part.line_number());
    for (const char c : text) {
      std::putchar(c);
      if (c == '\n') std::printf("# ");
    }
    std::putchar('\n');
  }
  void OnTestEnd(const testing::TestInfo& test) override {
    const testing::TestResult& result = *test.result();
    std::printf("%s %d %s.%s%s\n", result.Failed() ? "not ok" : "ok", ++number_,
                test.test_suite_name(), test.name(), result.Skipped() ? " # SKIP" : "");
    std::fflush(stdout);
  }

  int number_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(std::make_unique<KtapPrinter>().release());
  return RUN_ALL_TESTS();
}
