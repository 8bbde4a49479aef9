// SPDX-License-Identifier: GPL-2.0
// Loads that share another's result: since 6.5 finit_module(2) of a file whose load is under way
// waits for that, and has its error. The error may be of a module that is gone by then.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <thread>

#include "../child.h"
#include "gated.h"
#include "module_loader.h"
#include "text_file.h"

namespace raceless {
namespace {

bool run_first() {
  const sched_param priority = {.sched_priority = 1};
  return sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
}

// A copy of the module's file; with zeros at its end, it takes the kernel time to read.
constexpr const char* kFile = "/tmp/raceless_gated.ko";
constexpr off_t kSlowBytes = 64 << 20;

bool make_file() {
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return false;
  const Result<KernelModule> module = loader->find(kGated);
  if (!module) return false;
  const Result<std::string> image = read_text(module->path());
  if (!image) return false;
  std::ofstream file(kFile);
  file << *image << std::flush;
  return file.good();
}

// 0 or an errno.
int load_file() {
  const int fd = open(kFile, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = syscall(SYS_finit_module, fd, "", 0) == 0 ? 0 : errno;
  close(fd);
  return error == EEXIST ? 0 : error;
}

// Keeps a CPU from all ordinary tasks, between begin() and end().
class Hog {
 public:
  explicit Hog(int cpu)
      : thread_([this, cpu] {
          EXPECT_TRUE(run_on(cpu) && run_first());
          begins_.wait(false);
          while (!ends_) {
          }
        }) {}
  ~Hog() {
    begin();
    end();
    thread_.join();
  }
  Hog(const Hog&) = delete;
  Hog& operator=(const Hog&) = delete;

  void begin() {
    begins_ = true;
    begins_.notify_one();
  }
  void end() { ends_ = true; }

 private:
  std::atomic<bool> begins_{false};
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

class Shared : public Gated {
 protected:
  void SetUp() override {
    Gated::SetUp();
    const Result<std::string> symbols = read_text("/proc/kallsyms");
    if (symbols && symbols->find("idempotent_init_module") == std::string::npos)
      GTEST_SKIP() << "loads share nothing on this kernel";
    ASSERT_TRUE(make_file());
    // Whoever shares memory with the hog, or its CPU, would be late as well.
    ASSERT_EQ(sched_getaffinity(0, sizeof before_, &before_), 0);
    ASSERT_TRUE(run_on(0));
  }
  void TearDown() override {
    unlink(kFile);
    if (!IsSkipped()) {
      EXPECT_EQ(sched_setaffinity(0, sizeof before_, &before_), 0);
    }
    Gated::TearDown();
  }

  // Does it wait for another one's load of that file? Who loads has more frames above that one.
  static bool shares(pid_t task) {
    return first_line("/proc/" + std::to_string(task) + "/stack").find("idempotent_init_module") !=
           std::string::npos;
  }

  // Has the module's exit returned, and is its name still taken (free_ms)? sysfs has forgotten it
  // by then. No frame tells: of a module whose names are not told any more a stack may end at its
  // own.
  static bool frees_slowly(pid_t task) {
    return module_state(kGated) == ModuleState::absent && is_in(task, "msleep");
  }

  // Loads twice while the module is in free_module(). Whether the second one was caught in its wait
  // for the first one, and then kept from its CPU until the module was gone.
  static bool load_late(int linger_ms) {
    EXPECT_EQ(load_gated("linger_ms=" + std::to_string(linger_ms)), 0);
    Child reader(
        [] { return read_text("/sys/module/raceless_gated/parameters/linger") ? 0 : errno; });
    EXPECT_TRUE(eventually([&reader] { return is_in(reader.pid(), "linger"); }));
    Unload unload;
    EXPECT_TRUE(eventually(
        [&unload] { return unload.error() == 0 || is_in(unload.tid(), "free_module"); }));
    Hog hog(1);
    Child one([] { return load_file(); });
    Child other([] { return run_on(1) ? load_file() : errno; });
    const int64_t last = now_ms() + linger_ms - 100;
    bool waits = false;
    while (!waits && now_ms() < last) {
      waits = shares(other.pid());
      usleep(300);
    }
    if (waits) hog.begin();
    waits = waits && is_in(unload.tid(), "free_module");
    unload.join();
    hog.end();
    EXPECT_EQ(one.status(), 0);
    EXPECT_EQ(other.status(), 0);
    EXPECT_TRUE(eventually([] { return delete_module(kGated) != EAGAIN; }));
    return waits;
  }

 private:
  cpu_set_t before_;
};

TEST_F(Shared, ErrorOfAModuleThatIsGoneIsRetried) {
  constexpr int kWanted = 3;
  ASSERT_EQ(truncate(kFile, kSlowBytes), 0);
  int late = 0, linger_ms = 500;
  for (int attempt = 0; attempt < 40 && (late < kWanted || grown("restarts") == 0); attempt++) {
    late += load_late(linger_ms) ? 1 : 0;
    // On a slow guest the first one comes to look for the name when the module is gone.
    if (grown("restarts") == 0) linger_ms = std::min(linger_ms + 250, 4000);
  }
  EXPECT_GE(late, kWanted);
  EXPECT_GE(grown("restarts"), 1U);
}

// The first one is killed where the loader waits by itself for a module that is being freed: the
// other one shares an errno that is the kernel's own (512).
TEST_F(Shared, JoinedLoadOutlivesTheFirst) {
  ASSERT_EQ(load_gated("free_ms=4000"), 0);
  Unload unload;
  EXPECT_TRUE(eventually([&unload] { return frees_slowly(unload.tid()); }));
  Child first([] { return load_file(); });
  EXPECT_TRUE(eventually([&first] { return is_in(first.pid(), "load_module"); }));
  Child other([] { return load_file(); });
  EXPECT_TRUE(eventually([&other] { return shares(other.pid()); }));
  first.kill();
  EXPECT_EQ(other.status(), 0);
  EXPECT_GE(grown("restarts"), 1U);
}

// Signals do not end the wait for another one's load, either.
TEST_F(Shared, JoinedLoadUnderAlarms) {
  ASSERT_EQ(load_gated("free_ms=4000"), 0);
  ASSERT_TRUE(set_parameter("raceless", "gate_hold_ms", "60000"));
  Unload unload;
  EXPECT_TRUE(eventually([&unload] { return frees_slowly(unload.tid()); }));
  const uint64_t before = program_count("nr_raced_begun");
  Child first([] { return load_file(); });
  EXPECT_TRUE(eventually([before] { return program_count("nr_raced_begun") > before; }));
  Child other([] {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    sigaction(SIGALRM, &action, nullptr);
    const itimerval timer{{0, 3000}, {0, 3000}};
    setitimer(ITIMER_REAL, &timer, nullptr);
    return load_file();
  });
  EXPECT_EQ(other.status(), 0);
  EXPECT_EQ(first.status(), 0);
  EXPECT_GE(grown("restarts"), 1U);
}

}  // namespace
}  // namespace raceless
