// SPDX-License-Identifier: GPL-2.0
// Each bound of the gate, reached on purpose: what is beyond it goes through at once, as without a
// gate, and is counted; those within it, and others, do not notice.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "../child.h"
#include "../throng.h"
#include "gated.h"
#include "module_loader.h"
#include "text_file.h"
#include "uapi/gate.h"

namespace raceless {
namespace {

constexpr int kCallsPerTask = RACELESS_GATE_MAX_CALLS_PER_TASK;

class GateLimit : public Gated {
 protected:
  // Of a module whose exit does not end, until let_exit(); no bound of time is in the way.
  void load_for_long() {
    load_with_endless_exit();
    for (const char* bound : {"gate_exit_ms", "gate_hold_ms", "gate_lease_ms", "gate_delete_ms"})
      EXPECT_TRUE(set_parameter("raceless", bound, "60000"));
  }

  // Are so many calls known, soon? Looks seldom: a thousand looks a second cost more than the
  // calls.
  [[nodiscard]] static bool calls(uint64_t nr) {
    const int64_t last = now_ms() + 60'000;
    while (now("calls_now") != nr && now_ms() < last) usleep(20'000);
    return now("calls_now") == nr;
  }
};

// One of the module's family, which is still registered: what it says without a gate.
constexpr int kDying = EAFNOSUPPORT;
// And when the module has been loaded again.
constexpr int kThere = EPROTO;

// Makes a call in the handler of each SIGUSR1, which ends the wait of the call before: that is
// known until it has returned, and so calls are nested.
void nest_calls(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_NODEFER;
  EXPECT_EQ(sigaction(SIGUSR1, &action, nullptr), 0);
}

std::atomic<int> nr_made{0};
std::array<std::atomic<int>, kCallsPerTask + 1> results;

void make_call(int /*signal*/) {
  std::atomic<int>& result = results.at(static_cast<size_t>(nr_made++));
  result = socket_gated();
}

TEST_F(GateLimit, CallsOfATask) {
  load_for_long();
  const Unload unload;
  nest_calls(make_call);
  std::thread user([] { make_call(0); });
  for (unsigned nr = 1; nr <= kCallsPerTask; nr++) {
    EXPECT_TRUE(calls(nr));
    EXPECT_EQ(grown("open limit"), 0U);
    EXPECT_EQ(pthread_kill(user.native_handle(), SIGUSR1), 0);
  }
  EXPECT_TRUE(eventually([] { return results.back() == kDying; })) << results.back();
  EXPECT_EQ(grown("open limit"), 1U);
  // the one below it begins again, and is held as before
  EXPECT_TRUE(eventually([this] { return grown("waits") == kCallsPerTask + 1; }));
  EXPECT_EQ(now("calls_now"), uint64_t{kCallsPerTask});
  std::thread other([] { EXPECT_EQ(socket_gated(), kThere); });
  EXPECT_TRUE(calls(kCallsPerTask + 1)) << "of another task";
  EXPECT_TRUE(none_timed_out());
  let_exit();
  user.join();
  other.join();
  for (int nr = 0; nr < kCallsPerTask; nr++) EXPECT_EQ(results.at(nr), kThere) << nr;
}

// 512 threads of a process, 8 calls each.
TEST_F(GateLimit, Calls) {
  constexpr int kTasks = RACELESS_GATE_MAX_CALLS / kCallsPerTask;
  load_for_long();
  const Unload unload;
  std::array<int, 2> pipe{};
  ASSERT_EQ(pipe2(pipe.data(), O_CLOEXEC), 0);
  Child user([&pipe] {
    static std::array<std::atomic<pid_t>, kTasks> tasks;
    std::atomic<size_t> nr_tasks{0};
    nest_calls([](int) { (void)socket_gated(); });
    const Throng throng(kTasks, [&nr_tasks] {
      tasks.at(nr_tasks++) = gettid();
      (void)socket_gated();
    });
    for (int nr = 1; calls(static_cast<uint64_t>(nr) * kTasks) && nr < kCallsPerTask; nr++)
      for (const pid_t task : tasks) syscall(SYS_tgkill, getpid(), task, SIGUSR1);
    (void)!write(pipe[1], "", 1);
    pause();
    return 0;
  });
  char made = 0;
  EXPECT_EQ(read(pipe[0], &made, 1), 1);
  EXPECT_EQ(now("calls_now"), uint64_t{RACELESS_GATE_MAX_CALLS});
  EXPECT_EQ(grown("open limit"), 0U);
  EXPECT_EQ(socket_gated(), kDying);
  EXPECT_EQ(grown("open limit"), 1U);
  EXPECT_EQ(now("calls_now"), uint64_t{RACELESS_GATE_MAX_CALLS});
  const int there = socket(AF_UNIX, SOCK_DGRAM, 0);
  EXPECT_GE(there, 0) << "who meets no dying module";
  close(there);
  EXPECT_TRUE(none_timed_out());
  user.kill();
  close(pipe[0]);
  close(pipe[1]);
  EXPECT_TRUE(calls(0));
  std::thread other([] { EXPECT_EQ(socket_gated(), kThere); });
  EXPECT_TRUE(calls(1)) << "there is room again";
  let_exit();
  other.join();
}

// Of the module that a call waits for. It is going already: that is the answer to each of them.
TEST_F(GateLimit, Deleters) {
  constexpr size_t kMost = RACELESS_GATE_MAX_DELETERS;
  load_for_long();
  EXPECT_TRUE(set_parameter("raceless", "gate_lease_ms", "0"));
  const Unload unload;
  std::thread user([] { EXPECT_EQ(socket_gated(), kThere); });
  EXPECT_TRUE(calls(1));
  std::atomic<int> ended{0}, strange{0};
  Throng deleters(kMost, [&ended, &strange] {
    const int error = delete_module(kGated);
    ended++;
    if (error != 0 && error != EBUSY && error != ENOENT && error != EAGAIN) strange++;
  });
  EXPECT_EQ(deleters.size(), kMost);
  EXPECT_TRUE(eventually([this] { return grown("deletes_delayed") == kMost; }));
  EXPECT_EQ(grown("open limit"), 0U);
  EXPECT_EQ(delete_module(kGated), EBUSY);
  EXPECT_EQ(grown("open limit"), 1U);
  EXPECT_EQ(load_module("dummy"), 0);
  EXPECT_EQ(delete_module("dummy"), 0) << "nobody waits for that one";
  EXPECT_EQ(grown("deletes_delayed"), uint64_t{kMost});
  EXPECT_EQ(grown("open limit"), 1U);
  EXPECT_EQ(ended, 0);
  EXPECT_TRUE(none_timed_out());
  let_exit();
  user.join();
  deleters.join();
  EXPECT_EQ(strange, 0);
  EXPECT_EQ(grown("delete_timeouts"), 0U);
}

// raceless_nothing under many names; the kernel takes a module's from its struct module.
class Copies {
 public:
  Copies() {
    Result<ModuleLoader> loader = ModuleLoader::create();
    if (!loader) return;
    const Result<KernelModule> module = loader->find(kOriginal);
    if (module) image_ = read_text(module->path()).value_or("");
  }

  static constexpr const char* kOriginal = "raceless_nothing";
  static std::string name(int nr) { return fmt::format("nothing_{:08}", nr); }

  // 0 or an errno. Any thread.
  [[nodiscard]] int load(int nr) const {
    std::string image = image_;
    for (size_t at = 0; (at = image.find(kOriginal, at)) != std::string::npos; at++)
      image.replace(at, name(nr).size(), name(nr));
    return syscall(SYS_init_module, image.data(), image.size(), "") == 0 ? 0 : errno;
  }

  // The same with all below `end`; how many failed. Most of such a call's time it waits for RCU,
  // which can be told to hurry.
  [[nodiscard]] int load_all(int end) const {
    constexpr const char* kExpedited = "/sys/kernel/rcu_expedited";
    EXPECT_TRUE(write_file(kExpedited, "1"));
    const int failed = for_all(end, [this](int nr) { return load(nr); });
    EXPECT_TRUE(write_file(kExpedited, "0"));
    return failed;
  }
  static int delete_all(int end) {
    return for_all(end, [](int nr) { return delete_module(name(nr)); });
  }

 private:
  static int for_all(int end, const std::function<int(int)>& act) {
    constexpr size_t kThreads = 8;
    std::atomic<int> next{0}, failed{0};
    Throng throng(kThreads, [&] {
      for (int nr = next++; nr < end; nr = next++)
        if (act(nr) != 0) failed++;
    });
    throng.join();
    return failed;
  }

  std::string image_;
};

TEST_F(GateLimit, Leases) {
  constexpr int kMost = RACELESS_GATE_MAX_LEASES;
  const Copies copies;
  load_for_long();
  const Unload unload;
  std::thread user([] { EXPECT_EQ(socket_gated(), kThere); });
  EXPECT_TRUE(calls(1));
  EXPECT_EQ(copies.load_all(kMost), 0);
  EXPECT_EQ(now("leases_now"), uint64_t{kMost});
  EXPECT_EQ(grown("open limit"), 0U);
  EXPECT_EQ(copies.load(kMost), 0);
  EXPECT_EQ(grown("open limit"), 1U);
  EXPECT_EQ(now("leases_now"), uint64_t{kMost});
  EXPECT_EQ(module_refcount(Copies::name(kMost - 1)), 1);
  EXPECT_EQ(module_refcount(Copies::name(kMost)), 0);
  EXPECT_EQ(delete_module(Copies::name(kMost)), 0) << "nobody keeps it";
  EXPECT_EQ(grown("deletes_delayed"), 0U);
  EXPECT_TRUE(none_timed_out());
  let_exit();
  user.join();
  EXPECT_TRUE(eventually([] { return now("leases_now") == 0; }));
  EXPECT_EQ(grown("lease_timeouts"), 0U);
  EXPECT_EQ(Copies::delete_all(kMost), 0);
}

// The request's modprobe loads `wanted`, which has no such file system, and another module goes
// meanwhile. How often was the call restarted?
uint64_t restarts_of_a_request(const Copies& copies, const std::string& wanted) {
  constexpr char kAsked[] = "/tmp/asked", kGo[] = "/tmp/go";
  constexpr int kOther = 2 * RACELESS_GATE_MAX_MODULES;
  const auto restarts = [] { return GateState::read()->total("syscall mount restarts"); };
  const ModprobeLine line(
      fmt::format("install fs-raceless_nothing touch {}; while [ ! -e {} ]; do "
                  "sleep 0.1; done; /sbin/modprobe {}",
                  kAsked, kGo, wanted));
  const uint64_t before = restarts();
  EXPECT_EQ(copies.load(kOther), 0);
  std::thread user([] { EXPECT_EQ(mount_gated("raceless_nothing"), ENODEV); });
  EXPECT_TRUE(eventually([&] { return access(kAsked, F_OK) == 0; }));
  EXPECT_EQ(delete_module(Copies::name(kOther)), 0);
  EXPECT_TRUE(write_file(kGo, ""));
  user.join();
  EXPECT_EQ(unlink(kAsked), 0);
  EXPECT_EQ(unlink(kGo), 0);
  EXPECT_EQ(delete_module(wanted), 0);
  return restarts() - before;
}

// The names that are counted and whose deletes are told apart. All others are one: who asked for
// one of them is restarted, in vain and once, if any other of them was deleted meanwhile.
TEST_F(GateLimit, Names) {
  const auto names = [] {
    std::istringstream lines(read_text(RACELESS_GATE_FILE).value_or(""));
    std::vector<std::string> found;
    for (std::string line; std::getline(lines, line);)
      if (!line.starts_with('#')) found.push_back(line.substr(0, line.find(' ')));
    return found;
  };
  const Copies copies;
  EXPECT_EQ(load_gated(), 0);
  EXPECT_EQ(delete_module(kGated), 0);
  // if no other test has filled the places
  for (int nr = 0; names().back() != "other" && nr <= RACELESS_GATE_MAX_MODULES; nr++) {
    EXPECT_EQ(copies.load(nr), 0);
    EXPECT_EQ(delete_module(Copies::name(nr)), 0);
  }
  EXPECT_EQ(names().size(), RACELESS_GATE_MAX_MODULES + 1U);
  EXPECT_EQ(restarts_of_a_request(copies, kGated), 0U);
  EXPECT_EQ(restarts_of_a_request(copies, Copies::kOriginal), 1U);
  EXPECT_EQ(names().size(), RACELESS_GATE_MAX_MODULES + 1U);
}

TEST_F(GateLimit, Minute) {
  for (const char* bound : {"hold_ms", "exit_ms", "lease_ms", "delete_ms"}) {
    EXPECT_TRUE(set_parameter("raceless", fmt::format("gate_{}", bound), "4294967295"));
    EXPECT_EQ(now(bound), 60'000U) << bound;
    EXPECT_TRUE(set_parameter("raceless", fmt::format("gate_{}", bound), "59999"));
    EXPECT_EQ(now(bound), 59'999U) << bound;
  }
}

// Who may not delete a module is told so at once, as without a gate.
TEST_F(GateLimit, DeleterWithoutTheCapability) {
  load_for_long();
  const Unload unload;
  std::thread user([] { EXPECT_EQ(socket_gated(), kThere); });
  EXPECT_TRUE(calls(1));
  Child nobody([] { return setuid(65534) == 0 ? delete_module(kGated) : -1; });
  EXPECT_EQ(nobody.status(), EPERM);
  EXPECT_EQ(grown("deletes_delayed"), 0U);
  EXPECT_TRUE(none_timed_out());
  let_exit();
  user.join();
}

}  // namespace
}  // namespace raceless
