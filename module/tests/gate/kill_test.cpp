// SPDX-License-Identifier: GPL-2.0
// Death at any moment, of callers and of the gate, while calls are held: nobody is stuck, nothing
// is left, and nobody sees EINTR. KILLS, OFFS, PINS and SEED in the environment say how often and
// when.
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <vector>

#include "../child.h"
#include "../times.h"
#include "gate/gate.h"
#include "gated.h"
#include "module_loader.h"

namespace raceless {
namespace {

constexpr int kTell = 25;  // rounds
constexpr int kCallers = 4;
constexpr unsigned kKinds = 5;       // of calls
constexpr unsigned kErrors = 134;    // and EHWPOISON, the last one for users
constexpr int64_t kStuckMs = 20000;  // far above what a death takes on a slow host

int open_gated() {
  const auto fd = static_cast<int>(syscall(SYS_fsopen, kGated, 0U));
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

// What all callers have seen. Shared with children, who do not live to tell.
struct Seen {
  std::atomic<uint64_t> calls{0};
  std::atomic<uint64_t> failed{0};
  std::atomic<uint64_t> interrupted{0};
  std::atomic<uint64_t> errors[kKinds][kErrors] = {};
};

class Kills : public Gated {
 protected:
  Kills()
      : options_("options raceless_gated exit_ms=15 late_ms=10"),
        seen_(new (mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                        -1, 0)) Seen) {}
  ~Kills() override { munmap(seen_, sizeof(Seen)); }

  void SetUp() override {
    Gated::SetUp();
    // no host is too slow for them
    EXPECT_TRUE(set_parameter("raceless", "gate_hold_ms", "60000"));
    EXPECT_TRUE(set_parameter("raceless", "gate_exit_ms", "60000"));
    unloader_ = std::thread([this] {
      while (!stop_) {
        if (delete_module(kGated) == 0) unloads_++;
        usleep(1000);
      }
    });
    for (int i = 0; i < kCallers; i++) callers_.push_back(caller());
  }

  void TearDown() override {
    callers_.clear();
    stop_ = true;
    unloader_.join();
    EXPECT_EQ(seen_->interrupted, 0U);
    EXPECT_EQ(program_count("nr_deletes"), 0U) << "one that began while the gate was turned on";
    EXPECT_GE(grown("waits"), 1U);
    EXPECT_GE(unloads_, 1U);
    print();
    Gated::TearDown();
  }

  // Calls, of all kinds, until it is killed.
  std::unique_ptr<Child> caller() {
    return std::make_unique<Child>([this, seed = random_()] {
      std::minstd_rand random(seed);
      // its mounts go with it
      if (unshare(CLONE_NEWNS) != 0) return errno;
      for (;;) {
        const unsigned kind = random() % kKinds;
        note(kind, call(kind));
        usleep(5000);
      }
    });
  }

  int pause_ms(int longest) { return static_cast<int>(random_() % static_cast<unsigned>(longest)); }

  std::vector<std::unique_ptr<Child>> callers_;

 private:
  static unsigned long long seen(const std::atomic<uint64_t>& count) { return count; }

  static int call(unsigned kind) {
    switch (kind) {
      case 0:
        return mount_gated();
      case 1:
        return open_gated();
      case 2:
        return load_gated();
      case 3:
        return load_image();
      default:
        return socket_gated();
    }
  }

  void note(unsigned kind, int error) {
    seen_->calls++;
    if (error == EINTR || error >= static_cast<int>(kErrors)) {
      seen_->interrupted++;
    } else if (error != 0 && error != EEXIST && error != EPROTO) {
      seen_->failed++;
      seen_->errors[kind][error]++;
    }
  }

  void print() const {
    static constexpr const char* kNames[kKinds] = {"mount", "fsopen", "finit_module", "init_module",
                                                   "socket"};
    std::printf("# %llu calls, %llu failed, %llu interrupted; %llu waits, %llu unloads\n",
                seen(seen_->calls), seen(seen_->failed), seen(seen_->interrupted),
                static_cast<unsigned long long>(grown("waits")), seen(unloads_));
    for (unsigned kind = 0; kind < kKinds; kind++)
      for (unsigned error = 0; error < kErrors; error++)
        if (seen_->errors[kind][error] != 0)
          std::printf("# %s: %s, %llu times\n", kNames[kind], strerror(static_cast<int>(error)),
                      seen(seen_->errors[kind][error]));
  }

  const ModprobeLine options_;
  Seen* const seen_;
  std::minstd_rand random_{static_cast<unsigned>(times("SEED", 1))};
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> unloads_{0};
  std::thread unloader_;
};

TEST_F(Kills, CallersAtAnyMoment) {
  const int least = times("KILLS", 40);
  int64_t longest = 0;
  int kills = 0;
  // and at least one in its wait, which chance gives sooner or later
  for (int i = 0; i < least || (grown("signals") == 0 && i < 10 * least); i++) {
    std::unique_ptr<Child>& victim = callers_[static_cast<size_t>(i % kCallers)];
    usleep(static_cast<useconds_t>(pause_ms(60)) * 1000);
    const int64_t begin = now_ms();
    victim->kill();
    longest = std::max(longest, now_ms() - begin);
    victim = caller();
    kills++;
  }
  EXPECT_LT(longest, kStuckMs);
  EXPECT_GE(grown("signals"), 1U) << "none was killed in its wait";
  std::printf("# %d killed, %llu in a wait; the longest death took %lld ms\n", kills,
              static_cast<unsigned long long>(grown("signals")), static_cast<long long>(longest));
}

TEST_F(Kills, GateIsTurnedOffAtAnyMoment) {
  const int offs = times("OFFS", 2);
  int64_t longest = 0;
  for (int i = 0; i < offs; i++) {
    const uint64_t waits = grown("waits");
    EXPECT_TRUE(eventually([&] { return grown("waits") > waits; }));
    usleep(static_cast<useconds_t>(pause_ms(300)) * 1000);
    const int64_t begin = now_ms();
    ASSERT_TRUE(Gate::turn_off());
    longest = std::max(longest, now_ms() - begin);
    EXPECT_EQ(now("calls_now"), 0U) << i;
    EXPECT_EQ(now("leases_now"), 0U) << i;
    ASSERT_TRUE(Gate::turn_on());
    // The long form takes hours: how far has it come?
    if ((i + 1) % kTell == 0) std::printf("# %d times off\n", i + 1);
    std::fflush(stdout);
  }
  std::printf("# %d times off; the longest took %lld ms\n", offs, static_cast<long long>(longest));
}

// In an emergency: without programs nobody is held any more, and who is, sees the end of it.
TEST_F(Kills, PinsAreRemovedAtAnyMoment) {
  const int removals = times("PINS", 1);
  for (int i = 0; i < removals; i++) {
    const uint64_t waits = grown("waits");
    EXPECT_TRUE(eventually([&] { return grown("waits") > waits && now("calls_now") > 1; }));
    ASSERT_EQ(system("rm -r /sys/fs/bpf/raceless/gate"), 0);
    usleep(static_cast<useconds_t>(pause_ms(300)) * 1000);
    EXPECT_FALSE(Gate::is_on());
    ASSERT_TRUE(Gate::turn_off());
    EXPECT_EQ(now("calls_now"), 0U) << i;
    EXPECT_EQ(now("leases_now"), 0U) << i;
    ASSERT_TRUE(Gate::turn_on());
  }
  std::printf("# %d times without pins\n", removals);
}

}  // namespace
}  // namespace raceless
