// SPDX-License-Identifier: GPL-2.0
#include "qmp.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace raceless::vm {

Status Qmp::connect() {
  Fd directory(open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!directory || !socket) return fail_errno("cannot reach QEMU");
  // Through the descriptor: a run folder's path may be longer than an address can be.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto end = fmt::format_to_n(address.sun_path, sizeof address.sun_path - 1, "/proc/self/fd/{}/{}",
                              directory.get(), qmp_socket);
  *end.out = '\0';
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("cannot connect to QEMU's control socket");
  socket_ = std::move(socket);
  return command("qmp_capabilities");  // until then it says nothing
}

Status Qmp::command(const std::string& name) {
  const std::string line = fmt::format("{{\"execute\":\"{}\"}}\n", name);
  if (write(socket_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    return fail_errno("cannot write to QEMU's control socket");
  return {};
}

void Qmp::attend() {
  if (!socket_ && !connect()) return;
  char buffer[4096];
  ssize_t n;
  while ((n = read(socket_.get(), buffer, sizeof buffer)) > 0)
    input_.append(buffer, static_cast<std::size_t>(n));
  if (n == 0) socket_.reset();  // QEMU is gone
  for (std::size_t end; (end = input_.find('\n')) != std::string::npos;) {
    heed(input_.substr(0, end));
    input_.erase(0, end + 1);
  }
}

// {"timestamp": {…}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}
void Qmp::heed(const std::string& line) {
  const auto said = nlohmann::json::parse(line, nullptr, false);
  if (!said.is_object()) return;
  if (said.contains("event")) {
    const auto data = said.value("data", nlohmann::json::object());
    return heed_event(said.value("event", ""), data.value("reason", ""));
  }
  // {"return": {"icount": 2461687021, "mode": "record", "filename": "recording"}}
  const auto answer = said.find("return");
  if (answer == said.end() || !answer->is_object() || !answer->contains("icount")) return;
  instructions_ = answer->value("icount", std::uint64_t{0});
  if (!stay_) (void)command("quit");
}

void Qmp::heed_event(const std::string& event, const std::string& reason) {
  if (event == "SHUTDOWN") {
    // The first one is the guest's; our own `quit` causes another.
    if (shutdown_reason_.empty()) shutdown_reason_ = reason;
    over_ = true;
  }
  // A debugger stops the machine too, and that is not the end.
  if (event == "STOP" && follow_ && over_ && !instructions_) (void)command("query-replay");
}

void Qmp::follow_to_the_end(bool stay) {
  follow_ = true;
  stay_ = stay;
}

void Qmp::stop() {
  if (!socket_) return;
  stay_ = false;
  (void)command(over_ ? "quit" : "stop");
  over_ = true;
}

Status Qmp::inject_nmi() {
  if (!socket_) return fail(ENOTCONN, "QEMU's control socket never came up");
  return command("inject-nmi");
}

}  // namespace raceless::vm
