// SPDX-License-Identifier: GPL-2.0
// Memory for one argument: filled with a pattern, so that what the kernel writes shows, and with
// pages at its end that cannot be read, or only read.
#ifndef RACELESS_MODULE_TESTS_FUZZ_ARENA_H
#define RACELESS_MODULE_TESTS_FUZZ_ARENA_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "step.h"

namespace raceless::fuzz {

class Arena {
 public:
  static constexpr size_t kPage = 4096;
  static constexpr uint8_t kPattern = 0xa5;

  Arena();
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Puts it somewhere: at the end of a page, across two, where it cannot be read, or nowhere at
  // all. It lies below 4 GiB, for calls of 32 bits; `compat` for one of them.
  void place(std::span<const uint8_t> bytes, Choices& choices, bool compat);

  [[nodiscard]] uint64_t address() const { return address_; }
  // How many of the bytes, from the first, the kernel can read.
  [[nodiscard]] size_t readable() const { return readable_; }
  [[nodiscard]] bool writable() const { return writable_ && readable_ == sent_.size(); }
  // What is there now, if all of it can be read.
  [[nodiscard]] std::span<const uint8_t> now() const;
  [[nodiscard]] const std::vector<uint8_t>& sent() const { return sent_; }

  // Which byte has changed that was not in one of these ranges of what was placed, if any.
  struct Range {
    size_t begin;
    size_t end;
  };
  [[nodiscard]] std::optional<std::string> damage(std::span<const Range> may_change) const;

  // Ready for the next one.
  void clear();

 private:
  void put(uint8_t* at, bool writable);

  uint8_t* pages_;
  std::vector<uint8_t> sent_;
  uint8_t* at_ = nullptr;  // the first byte, if it is in our pages
  uint64_t address_ = 0;
  size_t readable_ = 0;
  bool writable_ = true;
};

}  // namespace raceless::fuzz

#endif
