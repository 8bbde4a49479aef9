// SPDX-License-Identifier: GPL-2.0
// /dev/raceless_bench: times mechanisms inside the kernel.
#ifndef RACELESS_BENCH_BENCH_DEVICE_H
#define RACELESS_BENCH_BENCH_DEVICE_H

#include <cstdint>
#include <string>
#include <vector>

#include "file_descriptor.h"
#include "result.h"

namespace raceless {

class BenchDevice {
 public:
  // The error says what to load if the device is not there.
  [[nodiscard]] static Result<BenchDevice> open();

  // The names that time_pairs() and time_wait() know.
  [[nodiscard]] Result<std::vector<std::string>> mechanisms() const { return names("run "); }
  [[nodiscard]] Result<std::vector<std::string>> waits() const { return names("wait "); }

  // ns that `threads` CPUs took for `loops` gets and puts each, among `population` names.
  [[nodiscard]] Result<uint64_t> time_pairs(const std::string& mechanism, uint32_t threads,
                                            uint64_t loops, uint32_t population) const;
  // ns that one wait took, for `batch` objects together.
  [[nodiscard]] Result<uint64_t> time_wait(const std::string& wait, uint32_t batch) const;

 private:
  explicit BenchDevice(FileDescriptor fd) : fd_(std::move(fd)) {}
  [[nodiscard]] Result<std::vector<std::string>> names(const std::string& kind) const;

  FileDescriptor fd_;
};

}  // namespace raceless

#endif
