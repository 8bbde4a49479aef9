// SPDX-License-Identifier: GPL-2.0
// Calls that must be made once only: made again they would get another error, or wait for ever.
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "../call_32.h"
#include "gated.h"

namespace raceless {
namespace {

constexpr const char* kPoint = "/tmp/small";

int configure(int context, unsigned command, const char* key, const char* value) {
  return syscall(SYS_fsconfig, context, command, key, value, 0) == 0 ? 0 : errno;
}

// After a reconfiguration that has failed, its context refuses everything with EBUSY.
TEST_F(Gated, ReconfigurationIsNotRepeated) {
  mkdir(kPoint, 0700);
  ASSERT_EQ(mount("none", kPoint, "tmpfs", 0, "size=1m"), 0);
  const int file = open("/tmp/small/file", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  EXPECT_EQ(posix_fallocate(file, 0, 512 << 10), 0);
  load_with_endless_exit();
  const Unload unload;
  const int context = static_cast<int>(syscall(SYS_fspick, AT_FDCWD, kPoint, 0U));
  EXPECT_GE(context, 0) << strerror(errno);
  EXPECT_EQ(configure(context, FSCONFIG_SET_STRING, "size", "4k"), 0);
  EXPECT_EQ(configure(context, FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr), EINVAL);
  EXPECT_EQ(grown("restarts"), 0U);
  let_exit();
  close(context);
  close(file);
  EXPECT_EQ(umount2(kPoint, 0), 0);
}

// socketcall(2) stands for others, too, than those that are listed.
TEST_F(Gated, ConnectOfA32BitProgramIsNotRepeated) {
  struct Arguments {
    uint32_t words[3];
    sockaddr_un address;
  };
  auto* arguments = static_cast<Arguments*>(mmap(nullptr, sizeof(Arguments), PROT_READ | PROT_WRITE,
                                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0));
  ASSERT_NE(arguments, MAP_FAILED);
  arguments->address.sun_family = AF_UNIX;
  strcpy(arguments->address.sun_path, "/tmp/nobody");
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  arguments->words[0] = static_cast<uint32_t>(fd);
  arguments->words[1] = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&arguments->address));
  arguments->words[2] = sizeof arguments->address;
  load_with_endless_exit();
  const Unload unload;
  constexpr int kSocketcall = 102;
  constexpr int kConnect = 3;
  EXPECT_EQ(call_32(kSocketcall, kConnect,
                    static_cast<long>(reinterpret_cast<uintptr_t>(arguments->words)), 0, 0, 0),
            -ENOENT);
  EXPECT_EQ(grown("restarts"), 0U);
  let_exit();
  close(fd);
  munmap(arguments, sizeof(Arguments));
}

}  // namespace
}  // namespace raceless
