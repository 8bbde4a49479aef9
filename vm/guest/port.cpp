// SPDX-License-Identifier: GPL-2.0
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

namespace raceless::guest {

Port::~Port() {
  if (fd_ >= 0) close(fd_);
}

std::string Port::open(const char* path) {
  fd_ = ::open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd_ < 0) return std::string("cannot open the wire ") + path + ": " + strerror(errno);
  termios settings{};
  if (tcgetattr(fd_, &settings) != 0)
    return std::string("no serial port behind ") + path + ": " + strerror(errno);
  cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  cfsetspeed(&settings, B115200);
  if (tcsetattr(fd_, TCSANOW, &settings) != 0)
    return std::string("cannot set up the wire ") + path + ": " + strerror(errno);
  return {};
}

void Port::send(wire::Type type, std::string_view payload) {
  std::string frame = encoder_.encode(type, payload);
  std::string_view left = frame;
  while (!left.empty()) {
    ssize_t n = write(fd_, left.data(), left.size());
    if (n < 0 && errno != EINTR) return;  // the host sees the gap and calls the run broken
    if (n > 0) left.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string Port::receive() const {
  char buffer[4096];
  ssize_t n = read(fd_, buffer, sizeof buffer);
  return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : std::string();
}

void Port::drain() const { tcdrain(fd_); }

}  // namespace raceless::guest
