// SPDX-License-Identifier: GPL-2.0
#include "arena.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace raceless::fuzz {

namespace {

// Four to write to, one without access, one to read only, one without access.
constexpr size_t kWritable = 4 * Arena::kPage;
constexpr size_t kReadOnly = 5 * Arena::kPage;
constexpr size_t kEnd = 7 * Arena::kPage;

// So far before and after what was placed is looked for writes that were not asked for.
constexpr size_t kMargin = 256;

constexpr std::array<uint64_t, 4> kNowhere = {0, 0xffff888000000000, 0x8000000000000000,
                                              0xffffffffffffffff};
constexpr uint64_t kNowhereLow = 0x1000;

void protect(uint8_t* page, int protection) {
  if (mprotect(page, Arena::kPage, protection) != 0)
    throw std::system_error(errno, std::generic_category(), "mprotect");
}

}  // namespace

Arena::Arena()
    : pages_(static_cast<uint8_t*>(mmap(nullptr, kEnd, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0))) {
  if (pages_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  std::memset(pages_, kPattern, kEnd);
  protect(pages_ + kWritable, PROT_NONE);
  protect(pages_ + kReadOnly, PROT_READ);
  protect(pages_ + kReadOnly + kPage, PROT_NONE);
}

Arena::~Arena() { munmap(pages_, kEnd); }

void Arena::put(uint8_t* at, bool writable) {
  const uint8_t* end = writable ? pages_ + kWritable : pages_ + kReadOnly + kPage;
  at_ = at;
  address_ = reinterpret_cast<uintptr_t>(at);
  writable_ = writable;
  readable_ = std::min(sent_.size(), static_cast<size_t>(end - at));
  std::copy_n(sent_.data(), readable_, at);
}

void Arena::place(std::span<const uint8_t> bytes, Choices& choices, bool compat) {
  sent_.assign(bytes.begin(), bytes.end());
  uint8_t* end = pages_ + kWritable;
  const size_t size = std::min(sent_.size(), kWritable);
  const uint32_t where = choices.below(64);
  if (where == 0) {
    at_ = nullptr;
    address_ = compat ? kNowhereLow : choices.pick(kNowhere);
    readable_ = 0;
  } else if (where == 1 && size <= kPage) {
    protect(pages_ + kReadOnly, PROT_READ | PROT_WRITE);
    put(pages_ + kReadOnly + choices.below(2) * (kPage - size), false);
    protect(pages_ + kReadOnly, PROT_READ);
  } else if (where == 2) {
    put(end - std::min<size_t>(choices.below(16), size), true);
  } else if (where == 3) {
    put(end - size / 2, true);
  } else if (where < 16) {
    put(end - size, true);
  } else if (where < 24) {
    put(pages_ + kPage - std::min(size / 2, kPage), true);
  } else {
    put(pages_ + choices.below(static_cast<uint32_t>(kWritable - size + 1)), true);
  }
}

std::span<const uint8_t> Arena::now() const {
  if (!at_ || readable_ != sent_.size()) return {};
  return {at_, sent_.size()};
}

std::optional<std::string> Arena::damage(std::span<const Range> may_change) const {
  if (!at_ || !writable_) return std::nullopt;
  const uint8_t* first = std::max(pages_, at_ - kMargin);
  const uint8_t* last = std::min(pages_ + kWritable, at_ + readable_ + kMargin);
  for (const uint8_t* byte = first; byte < last; byte++) {
    const ptrdiff_t offset = byte - at_;
    const bool inside = offset >= 0 && static_cast<size_t>(offset) < readable_;
    if (*byte == (inside ? sent_[static_cast<size_t>(offset)] : kPattern)) continue;
    const auto covers = [&](const Range& range) {
      return inside && static_cast<size_t>(offset) >= range.begin &&
             static_cast<size_t>(offset) < range.end;
    };
    if (std::ranges::any_of(may_change, covers)) continue;
    return fmt::format("byte {} of {} was changed to {:#x}", offset, sent_.size(), *byte);
  }
  return std::nullopt;
}

void Arena::clear() {
  if (at_ && writable_) {
    uint8_t* first = std::max(pages_, at_ - kMargin);
    const uint8_t* last = std::min(pages_ + kWritable, at_ + readable_ + kMargin);
    std::memset(first, kPattern, static_cast<size_t>(last - first));
  }
  at_ = nullptr;
  writable_ = true;
}

}  // namespace raceless::fuzz
