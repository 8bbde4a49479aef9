// SPDX-License-Identifier: GPL-2.0
// Intervals that overlap go on tracks of their own: as few tracks as will do.
#ifndef RACELESS_CONTROLLER_TIMELINE_LANES_H
#define RACELESS_CONTROLLER_TIMELINE_LANES_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace raceless {

// Asked in the order in which the intervals begin.
class Lanes {
 public:
  [[nodiscard]] size_t place(uint64_t begin_ns, uint64_t end_ns) {
    for (size_t lane = 0; lane < ends_.size(); lane++)
      if (ends_[lane] <= begin_ns) {
        ends_[lane] = end_ns;
        return lane;
      }
    ends_.push_back(end_ns);
    return ends_.size() - 1;
  }
  [[nodiscard]] size_t count() const { return ends_.size(); }

 private:
  std::vector<uint64_t> ends_;
};

}  // namespace raceless

#endif
