// SPDX-License-Identifier: GPL-2.0
// The one command of a case: its process group, its pipes or its terminal.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "../wire.h"
#include "port.h"

namespace raceless::guest {

class Command {
 public:
  // Reads /case/argv and /case/env and starts it; an error in words, or nothing. A command that
  // cannot be executed is no error of this kind: it says so on stderr and exits with 127 or 126.
  [[nodiscard]] std::string start(const wire::Fields& options);

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Descriptors for poll(), or -1.
  [[nodiscard]] int in() const { return in_; }
  [[nodiscard]] int out() const { return out_; }
  [[nodiscard]] int err() const { return err_; }

  void copy_out(Port& port) { copy(out_, wire::Type::Out, out_bytes_, port); }
  void copy_err(Port& port) { copy(err_, wire::Type::Err, err_bytes_, port); }
  // What is in the pipes now, without waiting for processes that still hold them open.
  void drain(Port& port);
  [[nodiscard]] std::uint64_t out_bytes() const { return out_bytes_; }
  [[nodiscard]] std::uint64_t err_bytes() const { return err_bytes_; }

  void feed(std::string_view bytes);
  void end_input();
  [[nodiscard]] bool wants_input() const { return !input_.empty() || input_ended_; }
  void pump_input();
  void signal(int number) const;
  void resize(int rows, int columns) const;

 private:
  static bool copy(int& fd, wire::Type type, std::uint64_t& bytes, Port& port);

  pid_t pid_ = -1;
  bool terminal_ = false;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::uint64_t out_bytes_ = 0;
  std::uint64_t err_bytes_ = 0;
  std::string input_;
  bool input_ended_ = false;
};

}  // namespace raceless::guest
