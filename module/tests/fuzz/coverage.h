// SPDX-License-Identifier: GPL-2.0
// Which of raceless.ko's addresses calls have reached, by KCOV.
//
// KCOV gives each thread the addresses that its own calls pass through. It is only in kernels that
// are built with it, and the module must be built for one.
#ifndef RACELESS_MODULE_TESTS_FUZZ_COVERAGE_H
#define RACELESS_MODULE_TESTS_FUZZ_COVERAGE_H

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "file_descriptor.h"
#include "result.h"

namespace raceless::fuzz {

// What all threads have reached.
class Coverage {
 public:
  [[nodiscard]] static bool kernel_has_it();
  // Root's, with the module loaded. Says what is missing, if something is.
  [[nodiscard]] static Result<std::unique_ptr<Coverage>> open();

  // Is it new?
  bool add(uint64_t address);
  [[nodiscard]] uint64_t reached() const { return reached_; }

 private:
  Coverage(uint64_t begin, uint64_t end);

  uint64_t begin_;
  uint64_t end_;
  std::vector<std::atomic<bool>> seen_;
  std::atomic<uint64_t> reached_{0};
};

// One thread's. Opened by root, for a thread that may be anybody's.
class ThreadCoverage {
 public:
  [[nodiscard]] static Result<ThreadCoverage> open();
  ~ThreadCoverage();
  ThreadCoverage(ThreadCoverage&& other) noexcept;
  ThreadCoverage& operator=(ThreadCoverage&&) = delete;

  // By the thread itself, once, and from then on each call is recorded.
  [[nodiscard]] bool enable();
  void begin();
  // Adds what was reached since; was any of it new?
  [[nodiscard]] bool end(Coverage& coverage);

 private:
  ThreadCoverage(FileDescriptor fd, uint64_t* area) : fd_(std::move(fd)), area_(area) {}

  FileDescriptor fd_;
  uint64_t* area_;  // a count, then the addresses
};

}  // namespace raceless::fuzz

#endif
