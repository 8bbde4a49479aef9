// SPDX-License-Identifier: GPL-2.0
// Loading raceless.ko itself: whatever its init asks memory for fails in turn. The load has an
// error, the kernel is as it was before, and the next one works.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../gate/gated.h"
#include "../registry.h"
#include "gate/gate.h"
#include "kernel_leaks.h"
#include "module_loader.h"
#include "sites.h"
#include "sweep.h"
#include "text_file.h"

namespace raceless {
namespace {

namespace fs = std::filesystem;

// Those of main.c that allocate, in its order.
constexpr std::array kSteps = {"raceless_slots_init",   "raceless_teardowns_init",
                               "raceless_flights_init", "raceless_state_init",
                               "raceless_holders_init", "raceless_gate_init",
                               "raceless_device_init"};

constexpr unsigned long kPage = 4096;

// Where in the init memory was refused. A load that failed takes the names of its functions with
// it, and the next one may be at another address; but as far into its pages.
struct Refused {
  unsigned long step = 0;  // from where raceless_init has called it: the later, the further
  unsigned long place = 0;
  int error = 0;  // of the load: the kernel can do without some of what it asks for
  Stack stack;

  bool operator==(const Refused& other) const {
    return step == other.step && place == other.place && error == other.error;
  }
};

std::optional<Refused> find(const std::vector<Stack>& stacks, int error) {
  for (const Stack& stack : stacks) {
    const auto caller = std::find_if(stack.begin(), stack.end(), [](const Frame& frame) {
      return frame.function == "do_one_initcall";
    });
    const auto place =
        std::find_if(stack.begin(), caller, [](const Frame& frame) { return !frame.named(); });
    if (caller == stack.end() || place == caller) continue;
    return Refused{std::prev(caller)->offset % kPage, place->offset % kPage, error, stack};
  }
  return {};
}

void count(const std::vector<Refused>& all) {
  std::map<unsigned long, const char*> names;
  for (const Refused& one : all) names[one.step];
  ASSERT_EQ(names.size(), kSteps.size()) << "steps of main.c that failed";
  const char* const* name = kSteps.data();
  for (auto& [step, its_name] : names) its_name = *name++;
  for (const Refused& one : all) {
    Stack stack = one.stack;
    for (Frame& frame : stack)
      if (!frame.named() && frame.offset % kPage == one.place)
        frame = {names[one.step], one.place, true};
    count_sites({stack});
  }
}

// Who has a part in a queue is kept in a cache of its own, and freed late.
int queue_objects() {
  const std::string cache = "/sys/kernel/slab/pool_workqueue/";
  EXPECT_TRUE(write_file(cache + "shrink", "1")) << "is slub_debug on?";
  return std::atoi(first_line(cache + "objects").c_str());
}

class Load : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Failing::available()) << "this kernel has no failslab with a filter of stacks";
    ASSERT_TRUE(Gate::turn_off());
    unload();
    sweep_.emplace(Failing::text_of("do_one_initcall"));
  }
  void TearDown() override { sweep_.reset(); }

  static void unload() {
    EXPECT_TRUE(
        eventually([] { return delete_module("raceless") == ENOENT; }, std::chrono::seconds(120)));
  }

  static void expect_nothing_of_it() {
    EXPECT_EQ(module_state("raceless"), ModuleState::absent);
    for (const char* path :
         {"/dev/raceless", "/proc/raceless", "/proc/raceless_holders", "/proc/raceless_gate",
          "/sys/class/misc/raceless", "/sys/kernel/slab/raceless_slot"})
      EXPECT_FALSE(fs::exists(path)) << path;
  }

  // Loads it with the nth allocation failing. Nothing if there were not so many.
  std::optional<Refused> load_without(int nth) {
    sweep_->failing().fail_nth(nth);
    const int error = load_module("raceless");
    const bool failed = sweep_->failing().stop();
    if (error == 0) unload();
    std::optional<Refused> refused = find(sweep_->refused(), error);
    EXPECT_EQ(failed, refused.has_value()) << "allocation " << nth;
    EXPECT_TRUE(error == ENOMEM || error == 0) << nth << ": " << error;
    expect_nothing_of_it();
    if (refused && error == ENOMEM) refused_.push_back(*refused);
    return refused;
  }

  // What the kernel allocates for one place are many: those between two without which the load has
  // failed are left out.
  void load_between(int first, const std::optional<Refused>& at_first, int last,
                    const std::optional<Refused>& at_last) {
    if (last - first < 2) return;
    if (at_first == at_last && (!at_first || at_first->error != 0)) return;
    const int middle = first + (last - first) / 2;
    const std::optional<Refused> at_middle = load_without(middle);
    load_between(first, at_first, middle, at_middle);
    load_between(middle, at_middle, last, at_last);
  }

  std::optional<Sweep> sweep_;
  std::vector<Refused> refused_;
};

TEST_F(Load, FailsAsAWhole) {
  constexpr int kMost = 1024;
  const int queues = queue_objects();
  int before = 1, last = 2;
  std::optional<Refused> at_before = load_without(before), at_last = load_without(last);
  while (at_last && last < kMost) {
    load_between(before, at_before, last, at_last);
    before = std::exchange(last, last * 2);
    at_before = std::exchange(at_last, load_without(last));
  }
  load_between(before, at_before, last, at_last);
  count(refused_);
  EXPECT_TRUE(eventually([queues] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return queue_objects() <= queues;
  })) << "queues are left";
  forgive_kernel_leaks();
  EXPECT_EQ(modprobe("raceless"), 0);
  EXPECT_EQ(modprobe("raceless_sample_null"), 0);
  EXPECT_EQ(state_of("null"), "live");
  EXPECT_EQ(delete_module("raceless_sample_null"), 0);
}

}  // namespace
}  // namespace raceless
