// SPDX-License-Identifier: GPL-2.0
// The registry under load: what BPF counted is what /proc/raceless says. Needs raceless.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <thread>

#include "device.h"
#include "module_loader.h"
#include "state_file.h"
#include "tracing.h"

namespace raceless {
namespace {

constexpr std::uint64_t timeout_ns = 60'000'000'000;
constexpr std::chrono::seconds load_time{4};
const std::string pin_folder = "/sys/fs/bpf/raceless-guest";

// What the module calls otherwise: a wait there is one that ended with a reference.
const std::map<std::string, std::string> histogram_names = {{"wait_ns", "reload_wait_ns"}};

bool exists(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0;
}

void load_registry() {
  auto loader = ModuleLoader::create();
  ASSERT_TRUE(loader);
  auto raceless = loader->find("raceless");
  ASSERT_TRUE(raceless) << raceless.error().message();
  const int error = raceless->load();
  ASSERT_TRUE(error == 0 || error == EEXIST) << error;
}

// BPF programs keep the registry's module for a moment after they were detached.
void unload_registry() {
  (void)delete_module("raceless_sample_null");
  int error = 0;
  for (int i = 0; i < 100; i++) {
    error = delete_module("raceless");
    if (error == 0 || error == ENOENT) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  FAIL() << "raceless.ko does not go: " << error;
}

class Registry : public testing::Test {
 protected:
  void SetUp() override {
    unload_registry();  // so that its numbers begin at 0
    load_registry();
  }
  void TearDown() override { unload_registry(); }

  static std::unique_ptr<Tracing> open_tracing(bool events, const std::string& pins = {}) {
    Tracing::Options options;
    options.registry = true;
    options.module_gets = false;
    options.events = events;
    options.pin_dir = pins;
    auto tracing = Tracing::open(options);
    EXPECT_TRUE(tracing) << (tracing ? "" : tracing.error().message());
    if (!tracing) return nullptr;
    for (const std::string& what : (*tracing)->missing()) ADD_FAILURE() << "missing: " << what;
    return std::move(*tracing);
  }
};

void consume(const std::atomic<bool>& stop, std::atomic<std::uint64_t>& gets) {
  auto device = Device::open();
  ASSERT_TRUE(device);
  while (!stop) {
    auto got = device->get("null", timeout_ns);
    ASSERT_TRUE(got) << got.error().error.message();
    EXPECT_TRUE(device->call(got->ref, RACELESS_NULL_OP_CHECK, {}, {}));
    EXPECT_TRUE(device->put(got->ref));
    gets++;
    // A tryget that fails is a failure with a reason; one that succeeds is given back.
    if (auto now = device->get("null", 0, RACELESS_GET_NOWAIT)) {
      EXPECT_TRUE(device->put(now->ref));
    }
  }
}

void unload_again_and_again(const std::atomic<bool>& stop) {
  for (std::uint32_t round = 0; !stop; round++) {
    {
      auto device = Device::open();
      ASSERT_TRUE(device);
      const auto unloaded =
          device->unload("null", timeout_ns, round % 4 == 0 ? RACELESS_UNLOAD_POLITE : 0);
      // Every third time the module stays: the flight brings it back in place.
      if (unloaded && round % 3 != 0) (void)delete_module(unloaded->owner);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

// Of each kind of event, at least one, however little a slow machine gets done in the load's time.
void one_of_each(Device& device) {
  for (const std::uint32_t flags : {0U, std::uint32_t{RACELESS_UNLOAD_POLITE}}) {
    const auto got = device.get("null", timeout_ns);
    ASSERT_TRUE(got) << got.error().error.message();
    ASSERT_TRUE(device.put(got->ref));
    ASSERT_TRUE(device.unload("null", timeout_ns, flags));
    ASSERT_TRUE(device.release("null"));
    // In place, by a flight that this get waits for.
    const auto again = device.get("null", timeout_ns);
    ASSERT_TRUE(again) << again.error().error.message();
    ASSERT_TRUE(device.put(again->ref));
  }
  EXPECT_FALSE(device.get("nobody", timeout_ns));
  EXPECT_FALSE(device.get("nobody", 0, RACELESS_GET_NOWAIT));
}

void load_the_registry() {
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> gets = 0;
  std::vector<std::thread> threads;
  threads.reserve(5);
  for (int i = 0; i < 4; i++) threads.emplace_back([&] { consume(stop, gets); });
  threads.emplace_back([&] { unload_again_and_again(stop); });
  std::this_thread::sleep_for(load_time);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(gets, 0U);

  auto device = Device::open();
  ASSERT_TRUE(device);
  one_of_each(*device);
  // A flight may still be under way for a consumer that has gone: let it land.
  std::this_thread::sleep_for(std::chrono::seconds(1));
}

void expect_same(const std::string& name, const raceless_hist& proc, const raceless_hist& bpf) {
  EXPECT_EQ(bpf.count, proc.count) << name;
  EXPECT_EQ(bpf.sum, proc.sum) << name;
  EXPECT_EQ(bpf.max, proc.max) << name;
  for (std::uint32_t bucket = 0; bucket < RACELESS_HIST_BUCKETS; bucket++) {
    EXPECT_EQ(bpf.buckets[bucket], proc.buckets[bucket])
        << name << " from " << raceless_hist_lower(bucket);
  }
}

TEST_F(Registry, NumbersAreThoseOfProc) {
  const auto tracing = open_tracing(false);
  ASSERT_TRUE(tracing);
  load_the_registry();

  const auto snapshot = tracing->snapshot();
  ASSERT_TRUE(snapshot);
  const auto state = StateFile::read();
  ASSERT_TRUE(state);
  for (const auto& [kind, number] : snapshot->drops) {
    if (kind == "stacks") continue;
    EXPECT_EQ(number, 0U) << kind;
  }
  int compared = 0;
  for (const auto& [key, number] : snapshot->counters) {
    if (const auto total = state->total(key)) {
      EXPECT_EQ(number, *total) << key;
      compared++;
    }
  }
  EXPECT_GE(compared, 20);
  for (const auto& [name, histogram] : state->histograms()) {
    const auto renamed = histogram_names.find(name);
    const std::string ours = renamed == histogram_names.end() ? name : renamed->second;
    ASSERT_EQ(snapshot->histograms.count(ours), 1U) << name;
    expect_same(name, histogram, snapshot->histograms.at(ours));
  }
  // The load must have had all of it.
  for (const char* key :
       {"to_live", "to_destroying", "handed_off", "flights", "flights_in_place", "modprobes",
        "waits", "grace_expedited", "grace_polite", "get_failures_absent", "get_failures_flight"}) {
    EXPECT_GT(snapshot->counters.at(key), 0U) << key;
    std::printf("# %s %llu\n", key, static_cast<unsigned long long>(snapshot->counters.at(key)));
  }

  const auto failures = tracing->get_failures();
  ASSERT_TRUE(failures);
  std::uint64_t absent = 0;
  for (const GetFailure& failure : *failures) {
    EXPECT_TRUE(failure.name == "null" || failure.name == "nobody") << failure.name;
    if (failure.reason != "absent") continue;
    EXPECT_EQ(failure.error, ENOENT);
    absent += failure.count;
  }
  EXPECT_EQ(absent, snapshot->counters.at("get_failures_absent"));
}

TEST_F(Registry, EachTransitionIsAnEvent) {
  const auto tracing = open_tracing(true);
  ASSERT_TRUE(tracing);
  std::map<std::string, std::uint64_t> events;
  std::map<std::uint32_t, std::uint64_t> entered;
  std::uint64_t before_ns = 0;
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    int read = 0;
    while (!stop || read > 0) {
      const auto polled = tracing->poll(std::chrono::milliseconds(50), [&](const Event& event) {
        events[event_type_name(header(event).type)]++;
        EXPECT_GT(header(event).time_ns, 0U);
        before_ns = header(event).time_ns;
        if (const auto* transition = std::get_if<raceless_event_transition>(&event)) {
          entered[transition->to]++;
          EXPECT_STREQ(transition->name, "null");
          EXPECT_STREQ(transition->owner, "raceless_sample_null");
        }
      });
      ASSERT_TRUE(polled) << polled.error().message();
      read = *polled;
    }
  });
  {
    auto device = Device::open();
    ASSERT_TRUE(device);
    for (int i = 0; i < 20; i++) {
      auto got = device->get("null", timeout_ns);
      ASSERT_TRUE(got) << got.error().error.message();
      ASSERT_TRUE(device->put(got->ref));
      ASSERT_TRUE(device->unload("null", timeout_ns));
      ASSERT_TRUE(device->release("null"));
    }
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  stop = true;
  reader.join();
  const auto snapshot = tracing->snapshot();
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->drops.at("events"), 0U);
  EXPECT_EQ(entered[RACELESS_LIVE], snapshot->counters.at("to_live"));
  EXPECT_EQ(entered[RACELESS_DESTROYING], snapshot->counters.at("to_destroying"));
  EXPECT_EQ(entered[RACELESS_GONE], snapshot->counters.at("to_gone"));
  EXPECT_EQ(entered[RACELESS_LIVE], 20U);
  EXPECT_EQ(events["publish"], snapshot->counters.at("publishes"));
  EXPECT_EQ(events["wait"], snapshot->counters.at("waits"));
  EXPECT_EQ(events["flight_end"], snapshot->counters.at("flights"));
  EXPECT_EQ(events["grace_period"], 20U);
}

TEST_F(Registry, UnreadEventsAreCountedAsDrops) {
  const auto tracing = open_tracing(true);
  ASSERT_TRUE(tracing);
  auto device = Device::open();
  ASSERT_TRUE(device);
  constexpr std::uint64_t kBatch = 10000;
  constexpr std::uint64_t kMost = 100 * kBatch;
  std::uint64_t made = 0;
  for (std::uint64_t dropped = 0; dropped == 0 && made < kMost; made += kBatch) {
    for (std::uint64_t i = 0; i < kBatch; i++) {
      EXPECT_FALSE(device->get("nobody", 0, RACELESS_GET_NOWAIT));
    }
    const auto so_far = tracing->snapshot();
    ASSERT_TRUE(so_far);
    dropped = so_far->drops.at("events");
  }
  std::uint64_t read = 0;
  for (int polled = 1; polled > 0;) {
    polled = tracing->poll(std::chrono::milliseconds(50), [&](const Event&) { read++; }).value();
  }
  const auto snapshot = tracing->snapshot();
  ASSERT_TRUE(snapshot);
  EXPECT_GT(snapshot->drops.at("events"), 0U);
  EXPECT_EQ(read + snapshot->drops.at("events"), made);
  EXPECT_EQ(snapshot->counters.at("get_failures_absent"), made);
}

TEST_F(Registry, PinnedMapsAreOneRunsAndGoWithIt) {
  {
    const auto tracing = open_tracing(false, pin_folder);
    ASSERT_TRUE(tracing);
    for (const char* map : {"grace_ns", "transitions", "get_failures", "drops", "unload_results"}) {
      EXPECT_TRUE(exists(pin_folder + "/" + map)) << map;
    }
    Tracing::Options second;
    second.pin_dir = pin_folder;
    const auto refused = Tracing::open(second);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, EBUSY);
    EXPECT_TRUE(exists(pin_folder + "/grace_ns"));  // the first one's, still

    const int fd = bpf_obj_get((pin_folder + "/transitions").c_str());
    ASSERT_GE(fd, 0);
    const FileDescriptor transitions(fd);
    const std::uint32_t live = RACELESS_LIVE;
    std::uint64_t number = 1;
    EXPECT_EQ(bpf_map_lookup_elem(fd, &live, &number), 0);
    EXPECT_EQ(number, 0U);
  }
  EXPECT_FALSE(exists(pin_folder));
}

TEST_F(Registry, WhatADeadRunPinnedIsReplaced) {
  ASSERT_EQ(mkdir(pin_folder.c_str(), 0700), 0);
  const FileDescriptor stale(
      bpf_map_create(BPF_MAP_TYPE_ARRAY, "stale", sizeof(std::uint32_t), 8, 1, nullptr));
  ASSERT_EQ(bpf_obj_pin(stale.get(), (pin_folder + "/grace_ns").c_str()), 0);
  {
    const auto tracing = open_tracing(false, pin_folder);
    ASSERT_TRUE(tracing);
    const FileDescriptor grace(bpf_obj_get((pin_folder + "/grace_ns").c_str()));
    bpf_map_info info{};
    __u32 bytes = sizeof(info);
    ASSERT_EQ(bpf_obj_get_info_by_fd(grace.get(), &info, &bytes), 0);
    EXPECT_STREQ(info.name, "grace_ns");
  }
  EXPECT_FALSE(exists(pin_folder));
}

TEST_F(Registry, AFolderWithForeignThingsIsLeftAlone) {
  ASSERT_EQ(mkdir(pin_folder.c_str(), 0700), 0);
  const FileDescriptor foreign(
      bpf_map_create(BPF_MAP_TYPE_ARRAY, "foreign", sizeof(std::uint32_t), 8, 1, nullptr));
  ASSERT_EQ(bpf_obj_pin(foreign.get(), (pin_folder + "/precious").c_str()), 0);
  Tracing::Options options;
  options.pin_dir = pin_folder;
  const auto refused = Tracing::open(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENOTEMPTY);
  EXPECT_TRUE(exists(pin_folder + "/precious"));
  EXPECT_FALSE(exists(pin_folder + "/grace_ns"));
  EXPECT_EQ(unlink((pin_folder + "/precious").c_str()), 0);
  EXPECT_EQ(rmdir(pin_folder.c_str()), 0);

  options.pin_dir = "/tmp/raceless-guest";
  const auto elsewhere = Tracing::open(options);
  ASSERT_FALSE(elsewhere);
  EXPECT_NE(elsewhere.error().message().find("bpf file system"), std::string::npos);
  EXPECT_FALSE(exists(options.pin_dir));
}

}  // namespace
}  // namespace raceless
