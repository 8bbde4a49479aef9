// SPDX-License-Identifier: GPL-2.0
#include "qmp.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string_view>

#include "process.h"

namespace raceless::vm {

Status inject_nmi(const std::filesystem::path& folder) {
  Fd directory(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!directory || !socket) return fail_errno("cannot reach QEMU");
  // Through the descriptor: a run folder's path may be longer than an address can be.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto end = fmt::format_to_n(address.sun_path, sizeof address.sun_path - 1, "/proc/self/fd/{}/{}",
                              directory.get(), qmp_socket);
  *end.out = '\0';
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("cannot connect to QEMU's control socket");
  constexpr std::string_view commands =
      "{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"inject-nmi\"}\n";
  if (write(socket.get(), commands.data(), commands.size()) !=
      static_cast<ssize_t>(commands.size()))
    return fail_errno("cannot write to QEMU's control socket");
  // QEMU drops commands of a peer that is gone; its answers say that it has read them.
  timeval limit{2, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  char buffer[4096];
  std::size_t lines = 0;  // greeting, two answers
  for (ssize_t n; lines < 3 && (n = read(socket.get(), buffer, sizeof buffer)) > 0;)
    for (ssize_t i = 0; i < n; ++i) lines += buffer[i] == '\n';
  return lines < 3 ? Status(fail(ETIMEDOUT, "no answer from QEMU")) : Status();
}

}  // namespace raceless::vm
