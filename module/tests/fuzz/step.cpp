// SPDX-License-Identifier: GPL-2.0
#include "step.h"

namespace raceless::fuzz {

namespace {

constexpr size_t kLongest = 12;

// Of 4096. What starts processes costs a thousand times as much as a call.
constexpr std::array<unsigned, kActions> kWeights = {3500, 120, 60, 60, 48, 48, 48,
                                                     48,   48,  48, 58, 5,  5};
static_assert([] {
  unsigned sum = 0;
  for (const unsigned weight : kWeights) sum += weight;
  return sum;
}() == 4096);

Action random_action(Random& random) {
  auto at = static_cast<unsigned>(random() % 4096);
  size_t action = 0;
  while (at >= kWeights[action]) at -= kWeights[action++];
  return static_cast<Action>(action);
}

// Values at which something may change are near a power of two.
uint32_t changed(uint32_t value, Random& random) {
  switch (random() % 4) {
    case 0:
      return value + 1;
    case 1:
      return value - 1;
    case 2:
      return value ^ (1U << random() % 32);
    default:
      return static_cast<uint32_t>(random());
  }
}

}  // namespace

Step random_step(Random& random) {
  Step step;
  step.action = random_action(random);
  for (uint32_t& choice : step.choices) choice = static_cast<uint32_t>(random());
  return step;
}

Sequence random_sequence(Random& random) {
  Sequence sequence(1 + random() % kLongest);
  for (Step& step : sequence) step = random_step(random);
  return sequence;
}

Sequence mutated(Sequence sequence, const Sequence& other, Random& random) {
  for (uint64_t times = 1 + random() % 4; times > 0; times--) {
    const size_t at = random() % sequence.size();
    switch (random() % 6) {
      case 0:
        if (sequence.size() < kLongest)
          sequence.insert(sequence.begin() + static_cast<ptrdiff_t>(at), random_step(random));
        break;
      case 1:
        if (sequence.size() > 1) sequence.erase(sequence.begin() + static_cast<ptrdiff_t>(at));
        break;
      case 2:
        sequence[at] = other[random() % other.size()];
        break;
      default: {
        uint32_t& choice = sequence[at].choices[random() % sequence[at].choices.size()];
        choice = changed(choice, random);
      }
    }
  }
  return sequence;
}

// Who asks for more than there are gets a mixture of them.
uint32_t Choices::next() {
  const uint32_t round = at_ / step_.choices.size();
  const uint32_t choice = step_.choices[at_ % step_.choices.size()];
  at_++;
  return choice ^ (round * 0x9e3779b9U);
}

}  // namespace raceless::fuzz
