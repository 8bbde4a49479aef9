// SPDX-License-Identifier: GPL-2.0
// What becomes of a load that meets a module which delete_module is taking away, or that joined
// another one. A kernel without docs/kernel/*.patch fails all of these.
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "../registry.h"
#include "loader.h"
#include "module_loader.h"

namespace raceless {
namespace {

constexpr int kLoaders = 8;

class DeletedModule : public Loader {
 protected:
  // kLoaders of them, begun while the module goes: their outcomes.
  [[nodiscard]] static std::vector<int> load_while_it_goes(const std::function<int()>& load) {
    EXPECT_EQ(load_gated("late_ms=1500"), 0);
    const Unload unload;
    std::vector<std::unique_ptr<Child>> loads;
    loads.reserve(kLoaders);
    for (int i = 0; i < kLoaders; i++) loads.push_back(start(load));
    std::vector<int> outcomes;
    outcomes.reserve(kLoaders);
    for (const auto& child : loads) outcomes.push_back(child->status());
    return outcomes;
  }

  // Four load it, one unloads it, both without a pause: nobody may be refused.
  void storm(const std::function<int()>& load);
};

TEST_F(DeletedModule, IsLoadedAgainFromItsFile) {
  ASSERT_EQ(load_gated("late_ms=1000"), 0);
  const Unload unload;
  EXPECT_EQ(file_.load(), 0);
  EXPECT_EQ(module_state(kGated), ModuleState::live);
}

TEST_F(DeletedModule, IsLoadedAgainFromMemory) {
  ASSERT_EQ(load_gated("late_ms=1000"), 0);
  const Unload unload;
  EXPECT_EQ(file_.load_image(), 0);
  EXPECT_EQ(module_state(kGated), ModuleState::live);
}

TEST_F(DeletedModule, LoadsOfItsFileShareTheOutcome) {
  const std::vector<int> outcomes = load_while_it_goes([this] { return file_.load(); });
  EXPECT_EQ(std::ranges::count(outcomes, 0), kLoaders);
}

TEST_F(DeletedModule, OneOfManyLoadsFromMemoryLoadsIt) {
  const std::vector<int> outcomes = load_while_it_goes([this] { return file_.load_image(); });
  EXPECT_EQ(std::ranges::count(outcomes, 0), 1);
  EXPECT_EQ(std::ranges::count(outcomes, EEXIST), kLoaders - 1);
}

TEST_F(DeletedModule, LoadCanBeKilled) {
  ASSERT_EQ(load_gated("late_ms=2500"), 0);
  const Unload unload;
  const auto load = start([this] { return file_.load(); });
  const int64_t begin = now_ms();
  load->signal();
  EXPECT_EQ(load->status(), 128 + SIGKILL);
  EXPECT_LT(now_ms() - begin, 1500);
}

class Signalled : public DeletedModule, public testing::WithParamInterface<int> {};

TEST_P(Signalled, LoadIsInterruptedOrRestarted) {
  ASSERT_EQ(load_gated("late_ms=1500"), 0);
  const Unload unload;
  const auto load = start([this] {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    action.sa_flags = GetParam();
    sigaction(SIGUSR1, &action, nullptr);
    return file_.load();
  });
  ::kill(load->pid(), SIGUSR1);
  EXPECT_EQ(load->status(), GetParam() == SA_RESTART ? 0 : EINTR);
}

INSTANTIATE_TEST_SUITE_P(WithAndWithout, Signalled, testing::Values(0, SA_RESTART));

// The exit waits for what will not come: the load says so after half a minute.
TEST_F(DeletedModule, IsNotWaitedForForever) {
  ASSERT_EQ(load_gated("exit_waits=1"), 0);
  const Unload unload;
  const int64_t begin = now_ms();
  EXPECT_EQ(file_.load(), EBUSY);
  EXPECT_GE(now_ms() - begin, 25'000);
  EXPECT_LT(now_ms() - begin, 60'000);
  EXPECT_TRUE(set_parameter(kGated, "exit_waits", "0"));
}

void DeletedModule::storm(const std::function<int()>& load) {
  constexpr int kThreads = 4;
  std::atomic<int> loaded{0};
  std::atomic<int> refused{0};
  std::atomic<int> live{0};
  std::atomic<int> strange{0};
  std::atomic<int> deletions{0};
  std::atomic<bool> stop{false};
  std::thread unloader([&] {
    while (!stop)
      if (delete_module(kGated) == 0) deletions++;
  });
  std::vector<std::thread> loaders;
  loaders.reserve(kThreads);
  for (int i = 0; i < kThreads; i++)
    loaders.emplace_back([&] {
      while (!stop) {
        const int error = load();
        std::atomic<int>& count = error == 0        ? loaded
                                  : error == EEXIST ? live
                                  : error == EBUSY  ? refused
                                                    : strange;
        count++;
      }
    });
  sleep(15);
  stop = true;
  for (std::thread& loader : loaders) loader.join();
  unloader.join();
  std::printf("# loaded %d, was live %d, EBUSY %d, other %d; %d deletions\n", loaded.load(),
              live.load(), refused.load(), strange.load(), deletions.load());
  EXPECT_GT(loaded, 0);
  EXPECT_GT(deletions, 0);
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(strange, 0);
}

TEST_F(DeletedModule, StormOfLoadsFromItsFile) {
  storm([this] { return file_.load(); });
}

TEST_F(DeletedModule, StormOfLoadsFromMemory) {
  storm([this] { return file_.load_image(); });
}

// They wait for the deletion, one of them tries, and the rest fails with it.
TEST_F(DeletedModule, LoadsThatFailThenFailTogether) {
  ASSERT_EQ(load_gated("late_ms=1000"), 0);
  const Unload unload;
  EXPECT_LT(fail_together([this] { return file_.load_image("init_ms=1000 init_error=5"); }),
            20'000);
}

// A load that another load of the same file has joined is killed while it waits for a third one.
TEST_F(DeletedModule, JoinedLoadOutlivesTheFirst) {
  Child initialising([this] { return as_status(file_.load_image("init_ms=3000")); });
  ASSERT_TRUE(eventually([] { return module_state(kGated) == ModuleState::coming; }));
  const auto first = start([this] { return file_.load(); });
  const auto joined = start([this] { return file_.load(); });
  first->kill();
  EXPECT_EQ(joined->status(), EEXIST) << kNoErrno << " stands for an errno that no user may see";
  EXPECT_EQ(initialising.status(), 0);
}

}  // namespace
}  // namespace raceless
