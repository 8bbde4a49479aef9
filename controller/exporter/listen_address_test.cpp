// SPDX-License-Identifier: GPL-2.0
#include "exporter/listen_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "file_descriptor.h"

namespace raceless {
namespace {

TEST(ListenAddress, AddressesAndPortsAreNumbers) {
  const auto four = parse_listen_address("127.0.0.1:9837");
  ASSERT_TRUE(four);
  EXPECT_EQ(four->host, "127.0.0.1");
  EXPECT_EQ(four->port, 9837);
  EXPECT_EQ(four->text(), "127.0.0.1:9837");
  const auto six = parse_listen_address("[::1]:80");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->text(), "[::1]:80");
  for (const char* wrong :
       {"", "9837", ":9837", "localhost:9837", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0",
        "127.0.0.1:65536", "127.0.0.1:x", "::1:80", "[::1]", "1.2.3:80", "[127.0.0.1]:80"}) {
    const auto address = parse_listen_address(wrong);
    ASSERT_FALSE(address) << wrong;
    EXPECT_NE(address.error().message().find("127.0.0.1:9837"), std::string::npos) << wrong;
  }
}

TEST(ListenAddress, LoopbackIsToldFromTheRest) {
  for (const char* loopback : {"127.0.0.1:1", "127.8.9.10:1", "[::1]:1"})
    EXPECT_TRUE(parse_listen_address(loopback)->is_loopback()) << loopback;
  for (const char* open : {"0.0.0.0:1", "192.168.0.1:1", "[::]:1", "[fe80::1]:1"})
    EXPECT_FALSE(parse_listen_address(open)->is_loopback()) << open;
}

TEST(ListenAddress, ATakenPortAndAnAddressOfSomebodyElseAreToldBeforehand) {
  const FileDescriptor other(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(other.get(), reinterpret_cast<sockaddr*>(&in), sizeof in), 0);
  ASSERT_EQ(listen(other.get(), 1), 0);
  socklen_t bytes = sizeof in;
  ASSERT_EQ(getsockname(other.get(), reinterpret_cast<sockaddr*>(&in), &bytes), 0);
  const auto taken = check_listen_address({"127.0.0.1", ntohs(in.sin_port)});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, EADDRINUSE);
  EXPECT_NE(taken.error().message().find("choose another port"), std::string::npos);
  const auto foreign = check_listen_address({"192.0.2.1", 9837});
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, EADDRNOTAVAIL);
}

}  // namespace
}  // namespace raceless
