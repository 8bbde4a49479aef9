// SPDX-License-Identifier: GPL-2.0
// What has no call that could be restarted: it fails as without a gate, is counted, and never
// stuck.
#include <fcntl.h>
#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "file_descriptor.h"
#include "gated.h"
#include "module_loader.h"
#include "text_file.h"

namespace raceless {
namespace {

class Ring {
 public:
  Ring() : error_(io_uring_queue_init(4, &ring_, 0)) {}
  ~Ring() {
    if (error_ == 0) io_uring_queue_exit(&ring_);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // The errno of a socket of raceless_gated's family, made by the ring.
  int socket(unsigned flags) {
    if (error_ != 0) return -error_;
    io_uring_sqe* request = io_uring_get_sqe(&ring_);
    io_uring_prep_socket(request, AF_ECONET, SOCK_DGRAM, 0, 0);
    io_uring_sqe_set_flags(request, flags);
    io_uring_submit(&ring_);
    io_uring_cqe* answer = nullptr;
    __kernel_timespec limit{20, 0};
    if (const int error = io_uring_wait_cqe_timeout(&ring_, &answer, &limit); error != 0)
      return -error;
    const int result = answer->res;
    io_uring_cqe_seen(&ring_, answer);
    return result < 0 ? -result : 0;
  }

 private:
  io_uring ring_{};
  int error_;
};

class OfARing : public Gated, public testing::WithParamInterface<unsigned> {};

// In the call of whoever submits, or in a worker.
TEST_P(OfARing, SocketFailsAtOnce) {
  load_with_endless_exit();
  Ring ring;
  ASSERT_EQ(ring.socket(GetParam()), EPROTO) << "it works without an unload";
  Unload unload;
  EXPECT_EQ(ring.socket(GetParam()), EAFNOSUPPORT);
  EXPECT_EQ(grown("open io_uring"), 1U);
  EXPECT_EQ(grown("restarts"), 0U);
  let_exit();
  unload.join();
  EXPECT_EQ(ring.socket(GetParam()), EPROTO) << "it is loaded again";
}

INSTANTIATE_TEST_SUITE_P(HereAndInAWorker, OfARing, testing::Values(0U, IOSQE_ASYNC));

class OfTheKernel : public Gated {
 protected:
  void SetUp() override {
    Gated::SetUp();
    ASSERT_EQ(modprobe("raceless_asker"), 0);
  }
  void TearDown() override {
    EXPECT_EQ(delete_module("raceless_asker"), 0);
    Gated::TearDown();
  }

  // Once: a stream would write again what could not be written.
  static bool ask() {
    const FileDescriptor file(open("/sys/module/raceless_asker/parameters/ask", O_WRONLY));
    return file && write(file.get(), "1", 1) == 1;
  }
};

// Its get fails, and is counted. modprobe, which it asks for then, is a caller like any other.
TEST_F(OfTheKernel, GetIsLetThroughAndItsModprobeWaits) {
  load_with_exit_until_awaited();
  const Unload unload;
  EXPECT_TRUE(ask());
  EXPECT_GE(grown("open kthread"), 1U);
  EXPECT_GE(grown("syscall finit_module restarts"), 1U);
  EXPECT_EQ(grown("syscall mount restarts"), 0U);
}

// When modprobe gives up there is nobody to restart.
TEST_F(OfTheKernel, RequestThatFailsIsLetThrough) {
  ASSERT_TRUE(set_parameter("raceless", "gate_exit_ms", "300"));
  ASSERT_EQ(load_gated("late_ms=10000"), 0);
  const Unload unload;
  EXPECT_TRUE(eventually([] { return !is_registered(); }));
  EXPECT_FALSE(ask());
  EXPECT_EQ(grown("open kthread"), 1U);
}

}  // namespace
}  // namespace raceless
