// SPDX-License-Identifier: GPL-2.0
// The guest's console log while it grows, and when it is done.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace raceless::vm {

class Console {
 public:
  explicit Console(std::filesystem::path file) : file_(std::move(file)) {}

  // Looks at what was added since the last call.
  void follow();
  // The kernel said that it panicked.
  [[nodiscard]] bool panicked() const { return panicked_; }
  // Init says that the dump that it was asked for is there.
  [[nodiscard]] bool dumped() const { return dumped_; }
  [[nodiscard]] std::size_t bytes() const { return offset_; }
  // It grew past what any sane case prints.
  [[nodiscard]] bool flooded() const { return offset_ > limit_bytes; }

  static constexpr std::size_t limit_bytes = 4u << 20;

 private:
  std::filesystem::path file_;
  std::size_t offset_ = 0;
  std::string tail_;  // the end of what was seen, where a pattern may have begun
  bool panicked_ = false;
  bool dumped_ = false;
};

// The whole log, or its first part when a flood made it larger than the limit.
[[nodiscard]] std::string read_console(const std::filesystem::path& file);

// From what the kernel logged when it was asked for stacks: where an NMI met it, or which tasks are
// blocked. Empty when it says neither.
[[nodiscard]] std::string where_stuck(std::string_view dump);

// "97 % of it: message": the one that takes most bytes, told apart by its words and not by numbers.
[[nodiscard]] std::string most_said(std::string_view log);

// The last line that is not blank, without its time stamp.
[[nodiscard]] std::string last_line(std::string_view log);

}  // namespace raceless::vm
