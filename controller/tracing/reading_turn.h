// SPDX-License-Identifier: GPL-2.0
// How long a ring buffer is read before its reader looks at anything else.
#ifndef RACELESS_CONTROLLER_TRACING_READING_TURN_H
#define RACELESS_CONTROLLER_TRACING_READING_TURN_H

#include <cerrno>
#include <cstdint>

#include "../clock.h"

namespace raceless {

// libbpf reads on while there are records. Whoever makes them faster than they are handled (no
// privilege is needed to fail a system call) would keep it in there for ever.
class ReadingTurn {
 public:
  explicit ReadingTurn(uint64_t now = now_ns()) : end_ns_(now + kLongestNs) {}

  // After each record: what libbpf's callback is to return. It has taken the record out either way.
  [[nodiscard]] int after_record(uint64_t now = now_ns()) {
    records_++;
    return now < end_ns_ ? 0 : kEnd;
  }
  [[nodiscard]] int records() const { return records_; }

  // What libbpf returns when a turn was ended so: there may be more.
  static constexpr int kEnd = -EAGAIN;
  static constexpr uint64_t kLongestNs = 100 * kNsPerMs;

 private:
  uint64_t end_ns_;
  int records_ = 0;
};

}  // namespace raceless

#endif
