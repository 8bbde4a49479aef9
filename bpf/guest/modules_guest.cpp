// SPDX-License-Identifier: GPL-2.0
// Loads and unloads of stock modules. Needs dummy, kcm, configfs.
#include <bpf/bpf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "clock.h"
#include "file_descriptor.h"
#include "module_loader.h"
#include "opened_tracing.h"
#include "tight_unloader.h"
#include "tracing/kernel_btf.h"

namespace raceless {
namespace {

TEST(Modules, LoadsAndUnloadsAreCountedExactly) {
  Tracing::Options options;
  options.modules = {"dummy"};
  options.events = true;
  const auto tracing = open_tracing(options);
  ASSERT_TRUE(tracing);
  auto loader = ModuleLoader::create();
  ASSERT_TRUE(loader);
  auto dummy = loader->find("dummy");
  ASSERT_TRUE(dummy);
  constexpr int cycles = 10;
  for (int cycle = 0; cycle < cycles; cycle++) {
    ASSERT_EQ(dummy->load(), 0);
    ASSERT_EQ(dummy->load(), EEXIST);
    ASSERT_EQ(delete_module("dummy"), 0);
    ASSERT_EQ(delete_module("dummy"), ENOENT);
    ASSERT_EQ(delete_module("another_name"), ENOENT);  // not watched
  }
  std::map<std::uint32_t, int> events;
  int read = 0;
  do {
    auto polled = tracing->poll(std::chrono::milliseconds(100), [&](const Event& event) {
      events[header(event).type]++;
      if (std::get<raceless_event_module>(event).name[0]) {
        EXPECT_STREQ(std::get<raceless_event_module>(event).name, "dummy");
      }
    });
    ASSERT_TRUE(polled);
    read = *polled;
  } while (read > 0);
  const auto snapshot = tracing->snapshot();
  ASSERT_TRUE(snapshot);
  expect_no_drops(*snapshot);
  EXPECT_EQ(counter(*snapshot, "module_loads"), cycles);
  EXPECT_EQ(counter(*snapshot, "module_frees"), cycles);
  EXPECT_EQ(counter(*snapshot, "load_results_ok"), cycles);
  EXPECT_EQ(counter(*snapshot, "load_results_EEXIST"), cycles);
  EXPECT_EQ(counter(*snapshot, "unload_results_ok"), cycles);
  EXPECT_EQ(counter(*snapshot, "unload_results_ENOENT"), cycles);
  EXPECT_EQ(events[RACELESS_EVENT_MODULE_LOAD], cycles);
  EXPECT_EQ(events[RACELESS_EVENT_MODULE_FREE], cycles);
  EXPECT_EQ(events[RACELESS_EVENT_MODULE_LOADED], 2 * cycles);
  EXPECT_EQ(events[RACELESS_EVENT_MODULE_UNLOADED], 2 * cycles);

  const raceless_hist& unloads = snapshot->histograms.at("unload_ns");
  const raceless_hist& graces = snapshot->histograms.at("unload_grace_ns");
  EXPECT_EQ(unloads.count, 2 * cycles);
  EXPECT_EQ(snapshot->histograms.at("load_ns").count, 2 * cycles);
  // free_module() waits for RCU once at least; the waits are inside the system calls.
  EXPECT_GE(graces.count, cycles);
  EXPECT_LE(graces.sum, unloads.sum);
  EXPECT_GT(graces.max, 0U);

  // The same by module; a load that fails has a name, too.
  const auto activity = tracing->activity();
  ASSERT_TRUE(activity);
  ASSERT_EQ(activity->modules.size(), 1U);
  const ModuleActivity& of_dummy = activity->modules.at("dummy");
  EXPECT_EQ(of_dummy.loads, (Results{{"ok", cycles}, {"EEXIST", cycles}}));
  EXPECT_EQ(of_dummy.unloads, (Results{{"ok", cycles}, {"ENOENT", cycles}}));
  EXPECT_EQ(of_dummy.unload_ns.count, 2 * cycles);
  EXPECT_EQ(of_dummy.load_ns.sum, snapshot->histograms.at("load_ns").sum);
  std::uint64_t waits = 0;
  for (const GraceWaits& at : activity->grace_waits) {
    EXPECT_EQ(at.module, "dummy");
    EXPECT_FALSE(at.stack.empty());
    waits += at.ns.count;
  }
  EXPECT_EQ(waits, graces.count);
  EXPECT_EQ(events[RACELESS_EVENT_MODULE_GRACE], waits);
}

// Whoever fails to unload, and needs no right for that, is faster than this handler.
TEST(Modules, PollEndsWhileEventsKeepComing) {
  Tracing::Options options;
  options.events = true;
  const auto tracing = open_tracing(options);
  ASSERT_TRUE(tracing);
  EXPECT_EQ(delete_module("nosuch"), ENOENT);  // that thread may begin late
  TightUnloader unloader("nosuch");
  const std::uint64_t start_ns = now_ns();
  bool slow = true;
  const auto polled = tracing->poll(std::chrono::milliseconds(100), [&](const Event&) {
    if (slow) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    // Or a poll that does not end would keep the guest.
    if (slow && now_ns() >= start_ns + 5 * kNsPerSecond) {
      slow = false;
      unloader.stop();
    }
  });
  EXPECT_LT(now_ns() - start_ns, 2 * kNsPerSecond);
  ASSERT_TRUE(polled);
  EXPECT_GT(*polled, 0);
}

// As threads do that were inside when a program was skipped; the number is another thread's later.
TEST(Modules, AThreadThatExitsLeavesNothingBehind) {
  Tracing::Options options;
  options.pin_dir = Tracing::default_pin_dir;
  const auto tracing = open_tracing(options);
  ASSERT_TRUE(tracing);
  for (const char* map : {"loaders", "unloaders"}) {
    const FileDescriptor threads(bpf_obj_get((options.pin_dir + "/" + map).c_str()));
    ASSERT_TRUE(threads) << map;
    bpf_map_info info{};
    __u32 bytes = sizeof(info);
    ASSERT_EQ(bpf_obj_get_info_by_fd(threads.get(), &info, &bytes), 0);
    std::thread([&] {
      const pid_t tid = gettid();
      const std::vector<char> inside(info.value_size, 0);
      EXPECT_EQ(bpf_map_update_elem(threads.get(), &tid, inside.data(), BPF_ANY), 0);
    }).join();
    // It exits after it was joined.
    std::uint32_t left = 0;
    const std::uint64_t end_ns = now_ns() + 5 * kNsPerSecond;
    while (bpf_map_get_next_key(threads.get(), nullptr, &left) == 0 && now_ns() < end_ns)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_NE(bpf_map_get_next_key(threads.get(), nullptr, &left), 0) << map;
  }
}

// A page of a file that was not touched yet is in no page table: programs cannot read it.
TEST(Modules, AnUnloadWhoseNameIsNotInMemoryYetIsCounted) {
  Tracing::Options options;
  options.modules = {"dummy"};
  const auto tracing = open_tracing(options);
  ASSERT_TRUE(tracing);
  auto loader = ModuleLoader::create();
  ASSERT_TRUE(loader);
  auto dummy = loader->find("dummy");
  ASSERT_TRUE(dummy);
  ASSERT_EQ(dummy->load(), 0);
  const auto unload_by_file = [](const std::string& name) {
    const FileDescriptor file(memfd_create("name", MFD_CLOEXEC));
    if (write(file.get(), name.c_str(), name.size() + 1) < 0) return errno;
    void* page = mmap(nullptr, name.size() + 1, PROT_READ, MAP_SHARED, file.get(), 0);
    if (page == MAP_FAILED) return errno;
    const int error = syscall(SYS_delete_module, page, O_NONBLOCK) == 0 ? 0 : errno;
    munmap(page, name.size() + 1);
    return error;
  };
  EXPECT_EQ(unload_by_file("another_name"), ENOENT);  // not watched
  EXPECT_EQ(unload_by_file("dummy"), 0);
  const auto activity = tracing->activity();
  ASSERT_TRUE(activity);
  ASSERT_EQ(activity->modules.size(), 1U);
  EXPECT_EQ(activity->modules.at("dummy").unloads, (Results{{"ok", 1}}));
  ASSERT_FALSE(activity->grace_waits.empty());
  for (const GraceWaits& at : activity->grace_waits) EXPECT_EQ(at.module, "dummy");
}

TEST(Modules, WithoutTheRegistryItSaysSoAndTheRestWorks) {
  if (module_state("raceless") != ModuleState::absent) GTEST_SKIP();
  Tracing::Options options;
  options.registry = true;
  const auto tracing = Tracing::open(options);
  ASSERT_TRUE(tracing) << tracing.error().message();
  ASSERT_EQ((*tracing)->missing().size(), 1U);
  EXPECT_NE((*tracing)->missing()[0].find("modprobe raceless"), std::string::npos);
  EXPECT_TRUE((*tracing)->snapshot());
}

// What has no right to unload cannot fill the counters with names of its own.
TEST(Modules, NamesOfWhoMayNotUnloadAreNotCounted) {
  Tracing::Options options;
  options.events = true;
  const auto tracing = open_tracing(options);
  ASSERT_TRUE(tracing);
  constexpr int names = 20;
  std::thread user([] {
    constexpr uid_t nobody = 65534;
    // Of this thread alone, unlike setresuid().
    ASSERT_EQ(syscall(SYS_setresuid, nobody, nobody, nobody), 0);
    for (int i = 0; i < names; i++) EXPECT_EQ(delete_module("any" + std::to_string(i)), EPERM);
    EXPECT_EQ(syscall(SYS_finit_module, STDIN_FILENO, "", 0), -1);
    EXPECT_EQ(errno, EPERM);
  });
  user.join();
  const auto activity = tracing->activity();
  ASSERT_TRUE(activity);
  ASSERT_EQ(activity->modules.size(), 1U);
  EXPECT_EQ(activity->modules.at("").unloads, (Results{{"EPERM", names}}));
  EXPECT_EQ(activity->modules.at("").unload_ns.count, names);
  EXPECT_EQ(activity->modules.at("").loads, (Results{{"EPERM", 1}}));
  // Who tried what is seen all the same.
  int named = 0;
  const auto polled = tracing->poll(std::chrono::milliseconds(100), [&](const Event& event) {
    if (header(event).type != RACELESS_EVENT_MODULE_UNLOADED) return;
    named += std::string(std::get<raceless_event_module>(event).name).starts_with("any");
  });
  EXPECT_TRUE(polled);
  EXPECT_EQ(named, names);
}

TEST(Modules, WithoutPrivilegesItSaysWhatItNeeds) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    constexpr uid_t nobody = 65534;
    if (setresuid(nobody, nobody, nobody) != 0) _exit(2);
    const auto tracing = Tracing::open({});
    const bool told = !tracing && tracing.error().code == EPERM &&
                      tracing.error().message().find("CAP_BPF") != std::string::npos;
    if (!told && !tracing) std::printf("# %s\n", tracing.error().message().c_str());
    std::fflush(stdout);
    _exit(told ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Modules, WhatAKernelLacksIsNamed) {
  const auto kernel = KernelBtf::load();
  ASSERT_TRUE(kernel);
  EXPECT_EQ(kernel->lacks("fexit/try_module_get"), "");
  EXPECT_EQ(kernel->lacks("tp_btf/module_load"), "");
  EXPECT_NE(kernel->lacks("fexit/no_such_function").find("no_such_function"), std::string::npos);
  EXPECT_NE(kernel->lacks("tp_btf/no_such_event").find("no_such_event"), std::string::npos);
}

}  // namespace
}  // namespace raceless
