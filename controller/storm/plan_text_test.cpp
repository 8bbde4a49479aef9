// SPDX-License-Identifier: GPL-2.0
#include "storm/plan_text.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

std::string text_for(uint64_t seed, uint64_t operations) {
  Parameters parameters;
  parameters.target = "null";
  parameters.seed = seed;
  parameters.threads[static_cast<size_t>(Role::consumer)] = 1;
  return plan_text(parameters, **make_target(parameters), operations);
}

// Of a program in another language that knows splitmix64 and the order of the draws.
TEST(PlanText, IsTheSameEverywhere) {
  EXPECT_EQ(text_for(1, 3),
            "# seed 1, target null\n"
            "loader-0 1 pause_ns=19435337 hold_ns=910611 calls=7 percent=35 "
            "choice=d869e8a32c145e9e\n"
            "loader-0 2 pause_ns=5745925 hold_ns=107288 calls=1 percent=38 "
            "choice=54e98cc1abab9d7c\n"
            "loader-0 3 pause_ns=7538216 hold_ns=4053516 calls=1 percent=0 "
            "choice=351a22fcdf6c5e3b\n"
            "loader-0 digest of 3: d35a5601f7f5c0bd\n"
            "unloader-0 1 pause_ns=1586839 hold_ns=4294400 calls=3 percent=65 "
            "choice=a1653060c6dc330a\n"
            "unloader-0 2 pause_ns=4237844 hold_ns=2520222 calls=2 percent=1 "
            "choice=8cad54c84168485d\n"
            "unloader-0 3 pause_ns=0 hold_ns=13904 calls=2 percent=0 choice=25d6958bbecabc7b\n"
            "unloader-0 digest of 3: 5c9a1a1c0fd09456\n"
            "consumer-0 1 pause_ns=0 hold_ns=2146916 calls=5 percent=45 choice=e1e66d9d0712607e\n"
            "consumer-0 2 pause_ns=0 hold_ns=793762 calls=5 percent=29 choice=6e0f1fb92bbdad4c\n"
            "consumer-0 3 pause_ns=249085 hold_ns=4177551 calls=1 percent=9 "
            "choice=91a36a829589a0b4\n"
            "consumer-0 digest of 3: 5f61d71605c49ddf\n");
}

TEST(PlanText, AnotherSeedIsAnotherPlan) {
  EXPECT_EQ(text_for(7, 100), text_for(7, 100));
  EXPECT_NE(text_for(7, 100), text_for(8, 100));
}

TEST(PlanText, AShorterOneIsTheBeginningOfALongerOne) {
  const std::string longer = text_for(7, 20);
  const std::string shorter = text_for(7, 10);
  for (size_t at = 0, end; (end = shorter.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string line = shorter.substr(at, end + 1 - at);
    if (line.find("digest") == std::string::npos) {
      EXPECT_NE(longer.find(line), std::string::npos) << line;
    }
  }
}

}  // namespace
}  // namespace raceless
