// SPDX-License-Identifier: GPL-2.0
// One thing that a user can ask for, asked again and again: each time another of the allocations
// that it takes fails.
#ifndef RACELESS_MODULE_TESTS_FAULTS_SWEEP_H
#define RACELESS_MODULE_TESTS_FAULTS_SWEEP_H

#include <functional>
#include <vector>

#include "failing.h"
#include "refusals.h"

namespace raceless {

class Sweep {
 public:
  // Of the allocations in that text; see Failing.
  explicit Sweep(Text text) : failing_(text) {}
  ~Sweep();
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  // Asks with the first allocation of this thread failing, then the second, until it asked for none
  // that did. The answer is ENOMEM then, or that with memory if there was another way.
  // `verify` gets it when there is memory again. Returns how many failed.
  int run(
      const std::function<void()>& prepare, const std::function<int()>& ask, int at_last = 0,
      const std::function<void(int)>& verify = [](int) {}) const;

  // The same for what all tasks allocate in `text`, by the bytes given out there until one fails.
  // Returns how often the answer was ENOMEM.
  int run_everywhere(Text text, const std::function<void()>& prepare,
                     const std::function<int()>& ask) const;

  [[nodiscard]] const Failing& failing() const { return failing_; }
  [[nodiscard]] std::vector<Stack> refused() { return refusals_.take(); }

 private:
  Failing failing_;
  Refusals refusals_;
};

}  // namespace raceless

#endif
