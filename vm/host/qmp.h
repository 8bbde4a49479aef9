// SPDX-License-Identifier: GPL-2.0
// QEMU's own control channel, for what a guest cannot do or say for itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
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

  // For a machine that QEMU keeps standing when its guest has ended (-action shutdown=pause): asks
  // then at which instruction that was and lets QEMU go, unless it shall stay for a debugger. A
  // guest that leaves through isa-debug-exit takes QEMU with it: there is nobody to ask.
  void follow_to_the_end(bool stay);
  // Ends a machine so followed, in a way that a recording of it knows of.
  void stop();
  // How many instructions it had executed when it stood still.
  [[nodiscard]] std::optional<std::uint64_t> instructions() const { return instructions_; }

  // Sends a non-maskable interrupt to every CPU: a kernel that was told to (unknown_nmi_panic)
  // shows where it is stuck and panics, even with interrupts off.
  [[nodiscard]] Status inject_nmi();

 private:
  [[nodiscard]] Status connect();
  [[nodiscard]] Status command(const std::string& name);
  void heed(const std::string& line);
  void heed_event(const std::string& event, const std::string& reason);

  std::filesystem::path folder_;
  Fd socket_;
  std::string input_;  // a line that has begun
  std::string shutdown_reason_;
  bool follow_ = false;
  bool stay_ = false;
  bool over_ = false;  // the guest ended, or was told to
  std::optional<std::uint64_t> instructions_;
};

// The socket's name in the run folder.
inline constexpr const char* qmp_socket = "qmp";

}  // namespace raceless::vm
