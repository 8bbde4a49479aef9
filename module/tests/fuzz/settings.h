// SPDX-License-Identifier: GPL-2.0
// What the command line says.
#ifndef RACELESS_MODULE_TESTS_FUZZ_SETTINGS_H
#define RACELESS_MODULE_TESTS_FUZZ_SETTINGS_H

#include <cstdint>

namespace raceless::fuzz {

struct Settings {
  uint64_t seed = 0;
  uint64_t calls = 20'000;  // of each user
  uint64_t seconds = 0;     // for each user at the most; 0: as long as it takes
  unsigned threads = 4;
};

// As main() has read it.
extern Settings settings;

}  // namespace raceless::fuzz

#endif
