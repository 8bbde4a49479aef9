// SPDX-License-Identifier: GPL-2.0
// Prints a GoogleTest run as KTAP: what vm/ demands of a case.
#ifndef RACELESS_MODULE_TESTS_KTAP_H
#define RACELESS_MODULE_TESTS_KTAP_H

#include <gtest/gtest.h>

namespace raceless {

class KtapPrinter : public testing::EmptyTestEventListener {
 public:
  void OnTestProgramStart(const testing::UnitTest& program) override;
  void OnTestPartResult(const testing::TestPartResult& result) override;
  void OnTestEnd(const testing::TestInfo& test) override;

 private:
  int done_ = 0;
};

}  // namespace raceless

#endif
