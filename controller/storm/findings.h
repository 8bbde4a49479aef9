// SPDX-License-Identifier: GPL-2.0
// What went wrong in a storm: with one finding, its verdict is "fail".
#ifndef RACELESS_CONTROLLER_STORM_FINDINGS_H
#define RACELESS_CONTROLLER_STORM_FINDINGS_H

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace raceless {

struct Finding {
  uint32_t promise = 0;  // enum raceless_promise; 0: not the registry's, e.g. the kernel complained
  std::string what;
  uint64_t when_ns = 0;  // since the storm began
  std::string thread;    // "consumer-3", "kernel", "end"
  uint64_t instance = 0;
};

// Used by all threads.
class Findings {
 public:
  // The first ones are kept, and printed on stderr at once: a kernel that is about to crash leaves
  // no second chance. All are counted.
  void report(Finding finding);

  void start_clock(uint64_t start_ns) { start_ns_ = start_ns; }
  [[nodiscard]] uint64_t count() const;
  [[nodiscard]] std::vector<Finding> list() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Finding> list_;
  uint64_t count_ = 0;
  uint64_t start_ns_ = 0;
};

}  // namespace raceless

#endif
