// SPDX-License-Identifier: GPL-2.0
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace raceless::guest {
namespace {

struct Mount {
  const char* type;
  const char* target;
  const char* options;
  bool needed;
};

// /tmp and /run need none: the initramfs is in memory already, and the host may have put files
// there.
constexpr Mount mounts[] = {
    {"devtmpfs", "/dev", "mode=0755", true},
    {"proc", "/proc", nullptr, true},
    {"sysfs", "/sys", nullptr, true},
    {"devpts", "/dev/pts", "ptmxmode=0666,mode=0620", false},
    {"tmpfs", "/dev/shm", "mode=1777", false},
    {"debugfs", "/sys/kernel/debug", nullptr, false},
    {"tracefs", "/sys/kernel/tracing", nullptr, false},
    {"bpf", "/sys/fs/bpf", "mode=0700", false},
    {"cgroup2", "/sys/fs/cgroup", nullptr, false},
};

constexpr struct {
  const char* target;
  const char* path;
} links[] = {
    {"/proc/self/fd", "/dev/fd"},
    {"/proc/self/fd/0", "/dev/stdin"},
    {"/proc/self/fd/1", "/dev/stdout"},
    {"/proc/self/fd/2", "/dev/stderr"},
};

}  // namespace

std::string mount_all() {
  for (const Mount& m : mounts) {
    mkdir(m.target, 0755);
    // EBUSY: a kernel that mounts devtmpfs by itself.
    if (mount(m.type, m.target, m.type, MS_NOSUID, m.options) == 0 || errno == EBUSY) continue;
    if (m.needed) return std::string("cannot mount ") + m.target + ": " + strerror(errno);
  }
  for (const auto& link : links) (void)!symlink(link.target, link.path);
  return {};
}

std::string read_file(const char* path) {
  std::string text;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;) text.append(buffer, n);
  close(fd);
  return text;
}

}  // namespace raceless::guest
