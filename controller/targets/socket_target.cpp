// SPDX-License-Identifier: GPL-2.0
// socket:kcm and alg:sha1: consumers ask for a socket family, or for a kind of algorithm.
#include <linux/if_alg.h>
#include <sys/socket.h>

#include <cstring>

#include "clock.h"
#include "file_descriptor.h"
#include "targets/stock_target.h"

namespace raceless {

namespace {

class KcmUse : public Use {
 public:
  int run(const Op& /*op*/) override {
    const FileDescriptor socket(::socket(AF_KCM, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return socket ? 0 : errno;
  }
};

class KcmTarget : public StockTarget {
 public:
  explicit KcmTarget(const Parameters& parameters)
      : StockTarget(parameters, "kcm", {4, {20 * kNsPerMs, 20 * kNsPerMs, 0}}) {}

 protected:
  Result<std::unique_ptr<Use>> make_use(Surroundings /*surroundings*/) override {
    return std::make_unique<KcmUse>();
  }
};

class HashUse : public Use {
 public:
  explicit HashUse(const std::string& algorithm) {
    address_.salg_family = AF_ALG;
    std::memcpy(address_.salg_type, "hash", sizeof("hash"));
    std::strncpy(reinterpret_cast<char*>(address_.salg_name), algorithm.c_str(),
                 sizeof(address_.salg_name) - 1);
  }

  int run(const Op& /*op*/) override {
    const FileDescriptor socket(::socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!socket) return errno;
    const auto* address = reinterpret_cast<const sockaddr*>(&address_);
    return bind(socket.get(), address, sizeof(address_)) == 0 ? 0 : errno;
  }

 private:
  sockaddr_alg address_{};
};

class HashTarget : public StockTarget {
 public:
  HashTarget(const Parameters& parameters, std::string algorithm)
      : StockTarget(parameters, "algif_hash", {1, {0, 0, 100}}), algorithm_(std::move(algorithm)) {}

  std::vector<std::string> needs() const override { return {"algif_hash", "sha1_generic"}; }

 protected:
  Result<std::unique_ptr<Use>> make_use(Surroundings /*surroundings*/) override {
    return std::make_unique<HashUse>(algorithm_);
  }

 private:
  std::string algorithm_;
};

}  // namespace

Result<std::unique_ptr<Target>> make_socket_target(const Parameters& parameters,
                                                   const std::string& /*family*/) {
  return std::make_unique<KcmTarget>(parameters);
}

Result<std::unique_ptr<Target>> make_alg_target(const Parameters& parameters,
                                                const std::string& algorithm) {
  return std::make_unique<HashTarget>(parameters, algorithm);
}

}  // namespace raceless
