// SPDX-License-Identifier: GPL-2.0
// The descriptors of the device that all threads share, each of which any of them may close,
// replace or pass on at any time, and one for each thread, which nobody else closes.
//
// They have fixed numbers far above those of all other files, so that a number that was closed a
// moment ago is never that of something else.
#ifndef RACELESS_MODULE_TESTS_FUZZ_DESCRIPTORS_H
#define RACELESS_MODULE_TESTS_FUZZ_DESCRIPTORS_H

#include <cstddef>
#include <cstdint>
#include <optional>

namespace raceless::fuzz {

constexpr uint32_t kShared = 6;

[[nodiscard]] int shared_descriptor(uint32_t number);
[[nodiscard]] int own_descriptor(size_t thread);

// Opens the device in the place of `fd`. An errno, or 0.
[[nodiscard]] int open_at(int fd, int flags);
// The same with one that exists.
[[nodiscard]] int duplicate_at(int fd, int from);
// Sends it through a socket, and receives it as another, or leaves it there.
[[nodiscard]] int pass(int from, std::optional<int> to);

}  // namespace raceless::fuzz

#endif
