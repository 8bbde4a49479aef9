// SPDX-License-Identifier: GPL-2.0
#include "exporter/listen_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>

#include "file_descriptor.h"
#include "numbers.h"

namespace raceless {

namespace {

bool is_ipv6(const std::string& host) { return host.find(':') != std::string::npos; }

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
};

// Nothing if the host is no numeric address.
std::optional<SocketAddress> to_socket_address(const ListenAddress& address) {
  SocketAddress to;
  if (is_ipv6(address.host)) {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(address.port);
    if (inet_pton(AF_INET6, address.host.c_str(), &in.sin6_addr) != 1) return std::nullopt;
    to.bytes = sizeof in;
    std::memcpy(&to.storage, &in, sizeof in);
  } else {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    if (inet_pton(AF_INET, address.host.c_str(), &in.sin_addr) != 1) return std::nullopt;
    to.bytes = sizeof in;
    std::memcpy(&to.storage, &in, sizeof in);
  }
  return to;
}

std::string remedy(int error) {
  switch (error) {
    case EADDRINUSE:
      return "something else listens there (ss -ltnp names it); choose another port";
    case EADDRNOTAVAIL:
      return "no interface of this machine has the address (ip addr lists them)";
    case EACCES:
      return "ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one";
    default:
      return "choose another address";
  }
}

}  // namespace

std::string ListenAddress::text() const {
  return fmt::format(fmt::runtime(is_ipv6(host) ? "[{}]:{}" : "{}:{}"), host, port);
}

bool ListenAddress::is_loopback() const {
  const std::optional<SocketAddress> address = to_socket_address(*this);
  if (!address) return false;
  if (address->storage.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address->storage, sizeof in);
    return IN6_IS_ADDR_LOOPBACK(&in.sin6_addr);
  }
  sockaddr_in in{};
  std::memcpy(&in, &address->storage, sizeof in);
  return (ntohl(in.sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
}

Result<ListenAddress> parse_listen_address(const std::string& text) {
  const auto wrong = [&text](const std::string& why) {
    return fail(0, fmt::format("cannot listen on '{}': {}; write ADDRESS:PORT, as in "
                               "127.0.0.1:9837 or [::1]:9837",
                               text, why));
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return wrong("there is no port");
  ListenAddress address;
  address.host = text.substr(0, colon);
  const bool bracketed = address.host.starts_with('[') && address.host.ends_with(']');
  if (bracketed) address.host = address.host.substr(1, address.host.size() - 2);
  const std::optional<uint64_t> port = to_number(text.substr(colon + 1));
  if (!port || *port == 0 || *port > UINT16_MAX) return wrong("the port is none from 1 to 65535");
  address.port = static_cast<uint16_t>(*port);
  if (is_ipv6(address.host) != bracketed || !to_socket_address(address))
    return wrong(address.host.empty() ? "there is no address" : "it is no numeric address");
  return address;
}

Status check_listen_address(const ListenAddress& address) {
  const std::optional<SocketAddress> to = to_socket_address(address);
  if (!to) return fail(EINVAL, "cannot listen on " + address.text());
  const FileDescriptor probe(socket(to->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto cannot = [&address](int error) {
    return fail(error, fmt::format("cannot listen on {}: {}", address.text(), remedy(error)));
  };
  if (!probe) return cannot(errno);
  // As the server will: connections that are closing are in nobody's way.
  const int yes = 1;
  setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(probe.get(), reinterpret_cast<const sockaddr*>(&to->storage), to->bytes) != 0 ||
      listen(probe.get(), 1) != 0)
    return cannot(errno);
  return {};
}

}  // namespace raceless
