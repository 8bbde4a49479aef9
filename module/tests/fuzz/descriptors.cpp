// SPDX-License-Identifier: GPL-2.0
#include "descriptors.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "file_descriptor.h"
#include "uapi/raceless.h"

namespace raceless::fuzz {

namespace {

constexpr int kFirst = 500;

// A message of one byte with room for a descriptor.
class Message {
 public:
  Message() {
    header_.msg_iov = &part_;
    header_.msg_iovlen = 1;
    header_.msg_control = control_;
    header_.msg_controllen = sizeof(control_);
  }

  int send(int socket, int fd) {
    cmsghdr* control = CMSG_FIRSTHDR(&header_);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof(fd));
    std::memcpy(CMSG_DATA(control), &fd, sizeof(fd));
    return sendmsg(socket, &header_, 0) == 1 ? 0 : errno;
  }

  // -1: none came
  int receive(int socket) {
    int fd = -1;
    if (recvmsg(socket, &header_, MSG_CMSG_CLOEXEC) != 1) return -1;
    const cmsghdr* control = CMSG_FIRSTHDR(&header_);
    if (control && control->cmsg_type == SCM_RIGHTS)
      std::memcpy(&fd, CMSG_DATA(control), sizeof(fd));
    return fd;
  }

 private:
  char byte_ = 0;
  iovec part_{&byte_, 1};
  alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(int))]{};
  msghdr header_{};
};

}  // namespace

int shared_descriptor(uint32_t number) { return kFirst + static_cast<int>(number); }

int own_descriptor(size_t thread) { return kFirst + static_cast<int>(kShared + thread); }

int duplicate_at(int fd, int from) {
  return from == fd || dup3(from, fd, O_CLOEXEC) == fd ? 0 : errno;
}

int open_at(int fd, int flags) {
  const FileDescriptor opened(::open(RACELESS_DEVICE, flags | O_CLOEXEC));
  return opened ? duplicate_at(fd, opened.get()) : errno;
}

int pass(int from, std::optional<int> to) {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) return errno;
  const FileDescriptor sender(sockets[0]), receiver(sockets[1]);
  int error = Message().send(sender.get(), from);
  if (error || !to) return error;
  const FileDescriptor received(Message().receive(receiver.get()));
  return received ? duplicate_at(*to, received.get()) : EBADF;
}

}  // namespace raceless::fuzz
