// SPDX-License-Identifier: GPL-2.0
// QEMU's own control channel, for what a guest cannot do or say for itself.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "../../controller/result.h"
#include "process.h"

namespace raceless::vm {

class Qmp {
 public:
  explicit Qmp(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Connects, as soon as QEMU has made its socket, and takes in what it says. Never blocks; to be
  // called when fd() is readable, and now and then.
  void attend();
  // Readable when QEMU says something; -1 before it can.
  [[nodiscard]] int fd() const { return socket_.get(); }

  // Why the machine ended, in QEMU's word: "guest-shutdown", "guest-reset" (of which a triple fault
  // is one), …; empty when it has not, or ended by other means.
  [[nodiscard]] const std::string& shutdown_reason() const { return shutdown_reason_; }

  // Sends a non-maskable interrupt to every CPU: a kernel that was told to (unknown_nmi_panic)
  // shows where it is stuck and panics, even with interrupts off.
  [[nodiscard]] Status inject_nmi();

 private:
  [[nodiscard]] Status connect();
  [[nodiscard]] Status command(const std::string& name);
  void heed(const std::string& line);

  std::filesystem::path folder_;
  Fd socket_;
  std::string input_;  // a line that has begun
  std::string shutdown_reason_;
};

// The socket's name in the run folder.
inline constexpr const char* qmp_socket = "qmp";

}  // namespace raceless::vm
