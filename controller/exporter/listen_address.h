// SPDX-License-Identifier: GPL-2.0
// Where the exporter listens: "127.0.0.1:9837", "[::1]:9837".
#ifndef RACELESS_CONTROLLER_EXPORTER_LISTEN_ADDRESS_H
#define RACELESS_CONTROLLER_EXPORTER_LISTEN_ADDRESS_H

#include <cstdint>
#include <string>

#include "result.h"

namespace raceless {

struct ListenAddress {
  std::string host;  // numeric
  uint16_t port = 0;

  [[nodiscard]] std::string text() const;
  // Only this machine reaches it.
  [[nodiscard]] bool is_loopback() const;
};

// Numeric addresses alone: what a name stands for may change, and with it who can read.
[[nodiscard]] Result<ListenAddress> parse_listen_address(const std::string& text);

// Can it be listened on right now? Else why not, and what to do.
[[nodiscard]] Status check_listen_address(const ListenAddress& address);

}  // namespace raceless

#endif
