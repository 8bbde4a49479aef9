// SPDX-License-Identifier: GPL-2.0
// Tests of the registry through what users see of it: /dev/raceless, /proc/raceless, and loading
// and unloading modules. Runs as root in a guest (vm/cases/registry.sh); unloads what it likes.
#include <gtest/gtest.h>

#include "ktap.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new raceless::KtapPrinter);
  return RUN_ALL_TESTS();
}
