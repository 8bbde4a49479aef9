// SPDX-License-Identifier: GPL-2.0
// Who was refused memory by the slab allocator, as its tracepoints tell.
#ifndef RACELESS_MODULE_TESTS_FAULTS_REFUSALS_H
#define RACELESS_MODULE_TESTS_FAULTS_REFUSALS_H

#include <string>
#include <vector>

namespace raceless {

// A function on the way to the allocator.
struct Frame {
  std::string function;      // without what the compiler has added; empty if no symbol is known
  unsigned long offset = 0;  // in the function; the address, if no symbol is known
  bool raceless = false;     // of raceless.ko

  [[nodiscard]] bool named() const { return !function.empty(); }
};

// Those of one allocation, the innermost first.
using Stack = std::vector<Frame>;

// `text` is what the kernel says: "name.isra.0+0x12/0x34 [module]", or an address.
[[nodiscard]] Frame parse_frame(const std::string& text);

// Of all allocations since this began.
class Refusals {
 public:
  Refusals();
  ~Refusals();
  Refusals(const Refusals&) = delete;
  Refusals& operator=(const Refusals&) = delete;

  // Since it was last asked. Names of a module's functions are known for as long as it is loaded.
  [[nodiscard]] std::vector<Stack> take();
};

}  // namespace raceless

#endif
