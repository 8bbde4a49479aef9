// SPDX-License-Identifier: GPL-2.0
// How often a test does what has a long form too (make crowd, make gate-kills).
#ifndef RACELESS_MODULE_TESTS_TIMES_H
#define RACELESS_MODULE_TESTS_TIMES_H

#include <cstdlib>

namespace raceless {

// As the environment says, else `few`.
inline int times(const char* name, int few) {
  const char* text = getenv(name);
  const int number = text == nullptr ? 0 : atoi(text);
  return number > 0 ? number : few;
}

}  // namespace raceless

#endif
