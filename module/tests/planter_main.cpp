// SPDX-License-Identifier: GPL-2.0
// planter WHAT [ARGUMENT]: takes something that holds a module, says "ready", and keeps it until it
// is killed. For vm/cases/holders.
#include <fcntl.h>
#include <linux/if_alg.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "targets/romfs_image.h"
#include "text_file.h"

namespace {

constexpr int kNoFamily = 41;  // AF_KCM
constexpr int kProtocol = 0;   // KCMPROTO_CONNECTED

bool open_it(const std::string& path) { return open(path.c_str(), O_RDONLY) >= 0; }

// Two descriptors of one file, in two threads of one process.
bool share(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY);
  std::thread([] {
    for (;;) pause();
  }).detach();
  return fd >= 0 && dup(fd) >= 0;
}

bool map_it(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY);
  void* area = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  return area != MAP_FAILED;
}

bool kcm(const std::string&) { return socket(kNoFamily, SOCK_DGRAM, kProtocol) >= 0; }

int bind_hash(const std::string& name) {
  sockaddr_alg address{};
  address.salg_family = AF_ALG;
  std::strncpy(reinterpret_cast<char*>(address.salg_type), "hash", sizeof(address.salg_type) - 1);
  name.copy(reinterpret_cast<char*>(address.salg_name), sizeof(address.salg_name) - 1);
  const int fd = socket(AF_ALG, SOCK_SEQPACKET, 0);
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? fd : -1;
}

bool hash(const std::string& name) { return bind_hash(name) >= 0; }

// The socket that was bound lives on, without a descriptor.
bool hash_accepted(const std::string& name) {
  const int bound = bind_hash(name);
  const int accepted = accept(bound, nullptr, nullptr);
  close(bound);
  return accepted >= 0;
}

bool congestion(const std::string& name) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(),
                    static_cast<socklen_t>(name.size())) == 0;
}

bool tun(const std::string& name) {
  const int fd = open("/dev/net/tun", O_RDWR);
  ifreq request{};
  request.ifr_flags = IFF_TUN;
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  return ioctl(fd, TUNSETIFF, &request) == 0;
}

bool context(const std::string& type) { return fsopen(type.c_str(), 0) >= 0; }

bool folder(const std::string& path) { return chdir(path.c_str()) == 0; }

const std::map<std::string, std::function<bool(const std::string&)>> kPlants = {
    {"open", open_it},    {"share", share},
    {"map", map_it},      {"kcm", kcm},
    {"hash", hash},       {"hash-accepted", hash_accepted},
    {"tun", tun},         {"congestion", congestion},
    {"context", context}, {"folder", folder},
};

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const std::string argument = argc > 2 ? argv[2] : "";
  if (what == "image") return raceless::write_text(argument, raceless::romfs_image()) ? 0 : 1;
  const auto plant = kPlants.find(what);
  if (plant == kPlants.end()) return 2;
  if (!plant->second(argument)) {
    std::perror(what.c_str());
    return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  for (;;) pause();
}
