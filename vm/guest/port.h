// SPDX-License-Identifier: GPL-2.0
// The guest's end of the wire: a serial port in raw mode.
#pragma once

#include <string>
#include <string_view>

#include "../wire.h"

namespace raceless::guest {

class Port {
 public:
  Port() = default;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port();

  // An error in words, or nothing.
  [[nodiscard]] std::string open(const char* path);
  [[nodiscard]] int fd() const { return fd_; }

  // Blocks while the host is slow: output is never dropped.
  void send(wire::Type type, std::string_view payload);
  // What has arrived; call when poll() says so.
  [[nodiscard]] std::string receive() const;
  // Blocks until the last byte has left.
  void drain() const;

 private:
  int fd_ = -1;
  wire::Encoder encoder_;
};

}  // namespace raceless::guest
