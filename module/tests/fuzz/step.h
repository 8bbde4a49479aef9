// SPDX-License-Identifier: GPL-2.0
// What is done to the device, as data: steps, and sequences of them, that can be made at random,
// repeated, and changed a little.
#ifndef RACELESS_MODULE_TESTS_FUZZ_STEP_H
#define RACELESS_MODULE_TESTS_FUZZ_STEP_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace raceless::fuzz {

using Random = std::mt19937_64;

enum class Action : uint8_t {
  ioctl,
  open,       // also in the place of one that others use
  duplicate,  // the same
  close,      // while others call through it
  read,
  write,
  seek,
  map,
  poll,
  pass,       // through a socket, to ourselves or to nobody
  interrupt,  // a signal for another thread, which must not end its call
  fork,       // a process that shares the descriptors makes calls too
  kill,       // the same, with no bound on its waits; it is killed in them
};
constexpr size_t kActions = 13;

// All that an action decides is decided by its choices, in their order, so that a change of one of
// them changes one thing.
struct Step {
  Action action = Action::ioctl;
  std::array<uint32_t, 16> choices{};
};

using Sequence = std::vector<Step>;

[[nodiscard]] Step random_step(Random& random);
[[nodiscard]] Sequence random_sequence(Random& random);
[[nodiscard]] Sequence mutated(Sequence sequence, const Sequence& other, Random& random);

// Reads a step's choices one by one.
class Choices {
 public:
  explicit Choices(const Step& step) : step_(step) {}

  uint32_t next();
  uint32_t below(uint32_t bound) { return next() % bound; }
  bool one_in(uint32_t n) { return below(n) == 0; }
  template <typename T, size_t N>
  const T& pick(const std::array<T, N>& from) {
    return from[below(N)];
  }

 private:
  const Step& step_;
  uint32_t at_ = 0;
};

}  // namespace raceless::fuzz

#endif
