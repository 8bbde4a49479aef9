// SPDX-License-Identifier: GPL-2.0
// What others see of a held call, who filter it, trace it or stop it; and that those who change its
// registers break nothing but that call.
#include <fcntl.h>
#include <libaudit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "../child.h"
#include "file_descriptor.h"
#include "gated.h"
#include "tracee.h"

namespace raceless {
namespace {

constexpr long kRestart = -513;  // ERESTARTNOINTR, which only tracers see

class Traced : public Gated {
 protected:
  uint64_t sockets_restarted() const { return grown("syscall socket restarts"); }
};

// Its socket is reported to a tracer each time that the filter runs.
int socket_filtered() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{sizeof(code) / sizeof(code[0]), code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
    return errno;
  return socket_gated();
}

TEST_F(Traced, SeccompFilterRunsAtEachAttempt) {
  load_with_exit_until_awaited();
  const Unload unload;
  Tracee child(socket_filtered, true);
  uint64_t runs = 0;
  while (child.next(Stop::Kind::seccomp, SYS_socket)) runs++;
  EXPECT_EQ(child.finish(), EPROTO);
  EXPECT_GE(sockets_restarted(), 1U);
  EXPECT_EQ(runs, sockets_restarted() + 1);
}

// The kernel's audit of one call of one user's; without a daemon it is written to its log.
class Audit {
 public:
  Audit() : socket_(audit_open()), log_(open("/dev/kmsg", O_RDONLY | O_NONBLOCK)) {
    lseek(log_.get(), 0, SEEK_END);
    audit_set_enabled(socket_, 1);
    audit_rule_syscallbyname_data(rule_, "socket");
    const std::string key = "uid=" + std::to_string(kUser);
    audit_rule_fieldpair_data(&rule_, key.c_str(), AUDIT_FILTER_EXIT);
    audit_add_rule_data(socket_, rule_, AUDIT_FILTER_EXIT, AUDIT_ALWAYS);
  }
  ~Audit() {
    audit_delete_rule_data(socket_, rule_, AUDIT_FILTER_EXIT, AUDIT_ALWAYS);
    audit_set_enabled(socket_, 0);
    audit_rule_free_data(rule_);
    audit_close(socket_);
  }
  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;

  static constexpr uid_t kUser = 4711;

  // How many records said until now that the call ended so. A thread of the kernel's writes them.
  const std::map<int, uint64_t>& ends() {
    char line[8192];
    for (ssize_t size = read(log_.get(), line, sizeof(line) - 1); size > 0;
         size = read(log_.get(), line, sizeof(line) - 1)) {
      line[size] = '\0';
      const char* record = strstr(line, "type=1300");
      const char* result = record == nullptr ? nullptr : strstr(record, " exit=");
      if (result != nullptr) ends_[atoi(result + 6)]++;
    }
    return ends_;
  }

 private:
  int socket_;
  FileDescriptor log_;
  audit_rule_data* rule_ = audit_rule_create_data();
  std::map<int, uint64_t> ends_;
};

TEST_F(Traced, AuditHasEachAttempt) {
  load_with_exit_until_awaited();
  Audit audit;
  const Unload unload;
  Child child([] { return setuid(Audit::kUser) == 0 ? socket_gated() : errno; });
  EXPECT_EQ(child.status(), EPROTO);
  EXPECT_GE(sockets_restarted(), 1U);
  const std::map<int, uint64_t> expected = {{-EAFNOSUPPORT, sockets_restarted()}, {-EPROTO, 1}};
  (void)eventually([&] { return audit.ends() == expected; });
  EXPECT_EQ(audit.ends(), expected);
}

// Each attempt has its begin and its end; those that are restarted say so.
TEST_F(Traced, TracerSeesEachAttempt) {
  load_with_exit_until_awaited();
  const Unload unload;
  Tracee child([] { return socket_gated(); }, false);
  uint64_t attempts = 0;
  while (const std::optional<Stop> end = child.next(Stop::Kind::exit, SYS_socket)) {
    attempts++;
    EXPECT_TRUE(end->result == kRestart || end->result == -EPROTO) << end->result;
    if (end->result == -EPROTO) break;
  }
  EXPECT_EQ(child.finish(), EPROTO);
  EXPECT_GE(sockets_restarted(), 1U);
  EXPECT_EQ(attempts, sockets_restarted() + 1);
  EXPECT_LT(attempts, 50U) << "it did not wait";
}

// A tracer that makes another call of the second attempt has that one, and the next socket is made.
TEST_F(Traced, AnotherCallInPlaceOfTheRestart) {
  load_with_exit_until_awaited();
  const Unload unload;
  Tracee child([] { return socket_gated() == EPROTO ? 1 : socket_gated(); }, false);
  ASSERT_TRUE(child.next(Stop::Kind::entry, SYS_socket));
  ASSERT_TRUE(child.next(Stop::Kind::entry, SYS_socket));
  child.set_number(SYS_getppid);
  const std::optional<Stop> end = child.next();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->result, getpid());
  child.set_result(-EPERM);
  EXPECT_EQ(child.finish(), EPROTO);
}

TEST_F(Traced, RestartIsSkipped) {
  load_with_exit_until_awaited();
  const Unload unload;
  Tracee child([] { return socket_gated(); }, false);
  ASSERT_TRUE(child.next(Stop::Kind::entry, SYS_socket));
  ASSERT_TRUE(child.next(Stop::Kind::entry, SYS_socket));
  child.set_number(-1);
  ASSERT_TRUE(child.next());
  child.set_result(-EPERM);
  EXPECT_EQ(child.finish(), EPERM);
}

// As with any call that the kernel restarts: who says at its end that there is no call, gets what
// only tracers should see.
TEST_F(Traced, RestartIsForbidden) {
  load_with_exit_until_awaited();
  const Unload unload;
  Tracee child([] { return socket_gated() == -kRestart ? socket_gated() : 1; }, false);
  const std::optional<Stop> end = child.next(Stop::Kind::exit, SYS_socket);
  ASSERT_TRUE(end);
  ASSERT_EQ(end->result, kRestart);
  child.set_number(-1);
  EXPECT_EQ(child.finish(), EPROTO);
}

// And who changes the result has that, without a restart.
TEST_F(Traced, ResultIsChanged) {
  ASSERT_EQ(load_gated("exit_ms=1000"), 0);
  const Unload unload;
  Tracee child([] { return socket_gated(); }, false);
  ASSERT_TRUE(child.next(Stop::Kind::exit, SYS_socket));
  child.set_result(-EPERM);
  EXPECT_EQ(child.finish(), EPERM);
}

TEST_F(Traced, StoppedAndContinuedInTheWait) {
  load_with_endless_exit();
  const Unload unload;
  Child child([] { return load_gated(); });
  EXPECT_TRUE(eventually([this] { return grown("waits") >= 1; }));
  for (int i = 0; i < 5; i++) {
    ::kill(child.pid(), SIGSTOP);
    usleep(20'000);
    ::kill(child.pid(), SIGCONT);
    usleep(20'000);
  }
  EXPECT_TRUE(eventually([this] { return grown("signals") >= 1; }));
  let_exit();
  EXPECT_EQ(child.status(), 0);
}

}  // namespace
}  // namespace raceless
