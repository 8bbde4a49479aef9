// SPDX-License-Identifier: GPL-2.0
#include "corpus.h"

namespace raceless::fuzz {

void Corpus::add(Sequence sequence) {
  const std::lock_guard lock(mutex_);
  sequences_.push_back(std::move(sequence));
}

Sequence Corpus::next(Random& random) {
  if (random() % 2) return random_sequence(random);
  const std::lock_guard lock(mutex_);
  if (sequences_.empty()) return random_sequence(random);
  return mutated(sequences_[random() % sequences_.size()], sequences_[random() % sequences_.size()],
                 random);
}

size_t Corpus::size() {
  const std::lock_guard lock(mutex_);
  return sequences_.size();
}

}  // namespace raceless::fuzz
