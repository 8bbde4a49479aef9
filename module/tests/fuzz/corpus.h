// SPDX-License-Identifier: GPL-2.0
// Sequences that reached something new; half of those that are run are made from them.
#ifndef RACELESS_MODULE_TESTS_FUZZ_CORPUS_H
#define RACELESS_MODULE_TESTS_FUZZ_CORPUS_H

#include <mutex>
#include <vector>

#include "step.h"

namespace raceless::fuzz {

class Corpus {
 public:
  void add(Sequence sequence);
  [[nodiscard]] Sequence next(Random& random);
  [[nodiscard]] size_t size();

 private:
  std::mutex mutex_;
  std::vector<Sequence> sequences_;
};

}  // namespace raceless::fuzz

#endif
