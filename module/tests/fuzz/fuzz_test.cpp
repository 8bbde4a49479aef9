// SPDX-License-Identifier: GPL-2.0
// /dev/raceless under calls of all kinds, valid and not, by root and by nobody in particular: each
// answer is as the uapi header says, nobody else is harmed, and nothing is left.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "../child.h"
#include "../registry.h"
#include "bystander.h"
#include "clock.h"
#include "fuzzer.h"
#include "module_loader.h"
#include "settings.h"
#include "text_file.h"

namespace raceless::fuzz {

Settings settings;

namespace {

constexpr uint64_t kTellNs = 60 * kNsPerSecond;
constexpr uint64_t kLeastCovered = 100;           // a descriptor and a few calls do
constexpr uint64_t kStuckNs = 60 * kNsPerSecond;  // far above any wait that a caller asks for

void say(const std::string& text) {
  fmt::print("# {}\n", text);
  std::fflush(stdout);
}

int open_error(const char* path, int flags) {
  const FileDescriptor fd(open(path, flags | O_CLOEXEC));
  return fd ? 0 : errno;
}

// Removes the providers' modules now and then, so that there is something to load.
class Remover {
 public:
  Remover() : thread_([this] { run(); }) {}
  ~Remover() {
    stop_ = true;
    thread_.join();
  }
  Remover(const Remover&) = delete;
  Remover& operator=(const Remover&) = delete;

 private:
  void run() {
    while (!stop_)
      for (const char* module : {"raceless_sample_null", "raceless_sample_codec"}) {
        (void)delete_module(module);
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
  }

  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// Ends a process in which a call does not come back, and says each minute how far it is.
class Watch {
 public:
  Watch(Report& report, Child& child) : thread_([this, &report, &child] { run(report, child); }) {}
  ~Watch() {
    stop_ = true;
    thread_.join();
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  void run(Report& report, Child& child) {
    uint64_t told_ns = now_ns();
    while (!stop_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      if (now_ns() - told_ns >= kTellNs) {
        say(fmt::format("{} calls so far", report.calls()));
        told_ns = now_ns();
      }
      if (report.longest_ns() < kStuckNs) continue;
      report.find("a call has not come back for a minute");
      child.signal();
      return;
    }
  }

  std::atomic<bool> stop_{false};
  std::thread thread_;
};

bool nothing_is_held() {
  const Result<StateFile> state = StateFile::read();
  if (!state) return false;
  for (const SlotState& slot : state->slots())
    for (const char* column : {"refs", "waiters", "held", "flying"})
      if (slot.number(column)) return false;
  return state->total("gets") == state->total("puts");
}

class Fuzz : public Registry {
 protected:
  void SetUp() override {
    Registry::SetUp();
    ASSERT_EQ(modprobe("raceless_probe"), 0);
  }

  void TearDown() override {
    EXPECT_EQ(chmod(RACELESS_DEVICE, 0600), 0);
    Registry::TearDown();
  }

  void run(uid_t user);
  void expect_it_works();

 private:
  ModprobeLine options_{"options raceless_probe nr=1"};
};

void Fuzz::run(uid_t user) {
  Report report;
  Fuzzer fuzzer(report, user);
  say(fmt::format("seed {}, {} threads, {}", settings.seed, settings.threads,
                  fuzzer.unguided().empty() ? "guided by KCOV" : fuzzer.unguided()));
  const uint64_t begun_ns = now_ns();
  Child child([&fuzzer] { return fuzzer.run(); });
  Bystander bystander(user != 0);
  int status = 0;
  {
    const Remover remover;
    const Watch watch(report, child);
    status = child.status();
  }
  bystander.stop();
  EXPECT_EQ(status, 0);
  for (const std::string& finding : report.findings()) ADD_FAILURE() << finding;
  EXPECT_EQ(bystander.failure(), "");
  EXPECT_GE(bystander.rounds(), 1U);
  if (!settings.seconds) {
    EXPECT_GE(report.calls(), settings.calls);
  }
  say(fmt::format("{} calls in {} s", report.calls(), (now_ns() - begun_ns) / kNsPerSecond));
  for (const std::string& line : report.lines()) say(line);
  if (fuzzer.unguided().empty())
    say(fmt::format("{} addresses of raceless.ko were reached, first by {} sequences",
                    report.covered(), report.sequences()));
  if (Coverage::kernel_has_it()) {
    EXPECT_GE(report.covered(), kLeastCovered) << "calls are not guided: " << fuzzer.unguided();
  }
  say(fmt::format("a bystander's {} rounds: {} ms at the most", bystander.rounds(),
                  bystander.longest_ns() / kNsPerMs));
  expect_it_works();
}

void Fuzz::expect_it_works() {
  EXPECT_TRUE(eventually(nothing_is_held)) << "references, waits or holds are left";
  Device device = open();
  EXPECT_EQ(code(device.gate(false)), 0);
  const GetResult<Got> got = device.get("null", kLong);
  ASSERT_EQ(code(got), 0);
  EXPECT_EQ(code(device.put(got->ref)), 0);
  EXPECT_EQ(code(device.unload("null", kLong)), 0);
}

TEST_F(Fuzz, ByRoot) { run(0); }

TEST_F(Fuzz, ByNobody) {
  ASSERT_EQ(chmod(RACELESS_DEVICE, 0666), 0);
  run(kNobody);
}

// The device is root's, and so are the files that tell of others.
TEST_F(Fuzz, NobodyOpensNothing) {
  Child child([] {
    return become(kNobody) && open_error(RACELESS_DEVICE, O_RDWR) == EACCES &&
                   open_error(RACELESS_DEVICE, O_RDONLY) == EACCES &&
                   open_error(RACELESS_STATE_FILE, O_RDONLY) == EACCES &&
                   open_error(RACELESS_HOLDERS_FILE, O_RDONLY) == EACCES
               ? 0
               : 1;
  });
  EXPECT_EQ(child.status(), 0);
}

// /proc/raceless, but for the counts of gets that failed.
std::string objects() {
  std::istringstream lines(read_text(RACELESS_STATE_FILE).value());
  std::string kept;
  for (std::string line; std::getline(lines, line);)
    if (line.find("get_failures") == std::string::npos) kept += line + "\n";
  return kept;
}

TEST_F(Fuzz, InvalidCallsChangeNothing) {
  constexpr int kCalls = 20'000, kCompared = 100;
  Device device = open(), other = open();
  ASSERT_EQ(code(device.get("null", kLong)), 0);
  ASSERT_EQ(modprobe("raceless-codec"), 0);
  ASSERT_EQ(code(other.unload("codec", kLong, RACELESS_UNLOAD_HOLD)), 0);
  const FileDescriptor fd(::open(RACELESS_DEVICE, O_RDWR | O_CLOEXEC));
  Memory memory;
  Random random(settings.seed);
  const Caller caller{.compat = knows_compat()};
  // a get's flight lands after the get
  ASSERT_TRUE(eventually([] { return column("null", "flying") == 0; }));
  const std::string before = objects();
  std::string made;
  for (int calls = 0; calls < kCalls;) {
    const Step step = random_step(random);
    Choices choices(step);
    const Request request = make_request(choices, memory, caller);
    if (request.harmless) {
      const auto wrong = judge(request, make_call(fd.get(), request, memory), memory);
      EXPECT_FALSE(wrong) << request.text << ": " << *wrong;
      made += request.text + "\n";
      if (++calls % kCompared == 0) {
        ASSERT_EQ(objects(), before) << "after one of\n" << made;
        made.clear();
      }
    }
    memory.argument.clear();
    memory.input.clear();
    memory.output.clear();
  }
}

// As many references as a user may have, and then those that it may not.
int take_all() {
  constexpr int kDescriptors = RACELESS_MAX_REFS_PER_USER / RACELESS_MAX_REFS_PER_FD;
  std::vector<Device> devices;
  for (int i = 0; i < kDescriptors; i++) {
    Result<Device> device = Device::open();
    if (!device) return 2;
    devices.push_back(std::move(*device));
    for (int ref = 0; ref < RACELESS_MAX_REFS_PER_FD; ref++)
      if (!devices.back().get("null", kLong)) return 3;
    // the last one is beyond the user's bound too, which is looked at first
    const int beyond = i < kDescriptors - 1 ? EMFILE : EDQUOT;
    if (code(devices.back().get("null", kLong)) != beyond) return 4;
  }
  Result<Device> another = Device::open();
  if (!another || code(another->get("null", kLong)) != EDQUOT) return 5;
  if (code(another->call_by_name("null", kLong, RACELESS_NULL_OP_CHECK, {}, {})) != EDQUOT)
    return 6;
  // root, who kills it, knows then that it has them
  if (kill(getpid(), SIGSTOP) != 0) return 7;
  return 8;
}

TEST_F(Fuzz, AUserAtItsLimitsHarmsNobody) {
  ASSERT_EQ(modprobe("raceless-null"), 0);
  ASSERT_EQ(chmod(RACELESS_DEVICE, 0666), 0);
  Child child([] { return become(kNobody) ? take_all() : 1; });
  int status = 0;
  ASSERT_EQ(waitpid(child.pid(), &status, WUNTRACED), child.pid());
  ASSERT_TRUE(WIFSTOPPED(status)) << WEXITSTATUS(status);
  EXPECT_EQ(column("null", "refs"), uint64_t{RACELESS_MAX_REFS_PER_USER});
  Device device = open();
  const GetResult<Got> got = device.get("null", kLong);
  ASSERT_EQ(code(got), 0);
  EXPECT_EQ(code(device.put(got->ref)), 0);
  EXPECT_EQ(code(device.call_by_name("null", kLong, RACELESS_NULL_OP_CHECK, {}, {})), 0);
  EXPECT_EQ(code(device.get("probe0", kLong)), 0);
  EXPECT_EQ(code(device.unload("null", kNsPerMs)), ETIMEDOUT);
  child.kill();
  EXPECT_TRUE(eventually([] { return column("null", "refs") == 0; }));
}

}  // namespace
}  // namespace raceless::fuzz
