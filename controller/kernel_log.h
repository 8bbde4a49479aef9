// SPDX-License-Identifier: GPL-2.0
// Did the kernel complain? Its log since a moment, and its taint mask.
#ifndef RACELESS_CONTROLLER_KERNEL_LOG_H
#define RACELESS_CONTROLLER_KERNEL_LOG_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "file_descriptor.h"
#include "result.h"

namespace raceless {

// A line by which the kernel says that something is wrong with it: WARNING, BUG, Oops, a stall…
[[nodiscard]] bool is_complaint(std::string_view line);

// The text of a /dev/kmsg record ("6,1234,98765,-;text\n KEY=value"), without its dictionary.
[[nodiscard]] std::string_view kmsg_text(std::string_view record);

// The bits that a fault sets (bad page, died, warned, soft lockup), not those that say whose
// modules are loaded.
[[nodiscard]] uint64_t complaint_bits(uint64_t taint);
// "D (died), W (warned)"
[[nodiscard]] std::string describe_taint(uint64_t taint);
[[nodiscard]] Result<uint64_t> read_taint(const std::string& root = "");

class KernelLog {
 public:
  // Starts at the log's end: what is already there was somebody else's.
  [[nodiscard]] static Result<KernelLog> open();

  // Every line since the last call, never waiting. Lines that the kernel overwrote before they
  // could be read are counted in lost().
  [[nodiscard]] std::vector<std::string> read_new();
  [[nodiscard]] uint64_t lost() const { return lost_; }

 private:
  explicit KernelLog(FileDescriptor fd) : fd_(std::move(fd)) {}

  FileDescriptor fd_;
  uint64_t next_sequence_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace raceless

#endif
