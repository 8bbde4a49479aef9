// SPDX-License-Identifier: GPL-2.0
// Why calls fail that need a stock module. Needs dummy, kcm, algif_hash.
#include <gtest/gtest.h>
#include <linux/if_alg.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <thread>

#include "clock.h"
#include "file_descriptor.h"
#include "module_loader.h"
#include "opened_tracing.h"
#include "text_file.h"
#include "tight_unloader.h"

namespace raceless {
namespace {

constexpr const char* mount_point = "/tmp/bpf-guest";
constexpr std::chrono::seconds storm_time{4};

struct Tally {
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;
  std::map<FailureCause, std::uint64_t> causes;
};

std::string to_text(const Tally& tally) {
  std::string text =
      std::to_string(tally.calls) + " calls, " + std::to_string(tally.failures) + " failures:";
  for (const auto& [cause, number] : tally.causes) {
    text += " " + std::string(to_string(cause)) + " " + std::to_string(number);
  }
  return text;
}

// Calls until the time is up, on a slow guest until one has failed for that cause, and asks for the
// cause of each failure as the storm does.
Tally call_again_and_again(Tracing& tracing, const std::function<bool()>& call,
                           std::chrono::milliseconds pause, FailureCause wanted) {
  Tally tally;
  const auto begin = std::chrono::steady_clock::now();
  const auto is_over = [&](auto time) { return std::chrono::steady_clock::now() >= begin + time; };
  while (!is_over(storm_time) || (!tally.causes.contains(wanted) && !is_over(20 * storm_time))) {
    const std::uint64_t since_ns = now_ns();
    tally.calls++;
    if (!call()) {
      tally.failures++;
      const auto cause = tracing.cause(gettid(), since_ns);
      EXPECT_TRUE(cause);
      tally.causes[cause.value_or(FailureCause::unknown)]++;
    }
    std::this_thread::sleep_for(pause);
  }
  return tally;
}

TEST(Causes, CallsThatFailAreRecordedWithTheirCause) {
  Tracing::Options options;
  options.calls = true;
  options.events = true;
  const auto tracing = open_tracing(options);
  ASSERT_TRUE(tracing);
  mkdir(mount_point, 0755);
  ASSERT_EQ(mount("none", mount_point, "nosuchfs", 0, nullptr), -1);
  ASSERT_EQ(mount("none", mount_point, "nosuchfs", 0, nullptr), -1);
  ASSERT_EQ(mount("none", "/nowhere", "tmpfs", 0, nullptr), -1);  // because of no module
  const auto activity = tracing->activity();
  ASSERT_TRUE(activity);
  ASSERT_EQ(activity->call_failures.size(), 1U);
  const CallFailure& failure = activity->call_failures[0];
  EXPECT_EQ(failure.name, "fs-nosuchfs");
  EXPECT_EQ(failure.call, "mount");
  EXPECT_EQ(failure.error, "ENODEV");
  EXPECT_STREQ(to_string(failure.cause), "missing");
  EXPECT_EQ(failure.count, 2U);
}

// An ioctl that asks for a module is not looked at, and its modprobe has success.
TEST(Causes, WhatAnotherCallMetIsNoCause) {
  Tracing::Options options;
  options.calls = true;
  const auto tracing = open_tracing(options);
  ASSERT_TRUE(tracing);
  const FileDescriptor any(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(any);
  ifreq asked{};
  std::strcpy(asked.ifr_name, "dummy");
  ioctl(any.get(), SIOCGIFINDEX, &asked);
  ASSERT_EQ(module_state("dummy"), ModuleState::live);
  mkdir(mount_point, 0755);
  ASSERT_EQ(mount("none", mount_point, "nosuchfs", 0, nullptr), -1);
  const auto activity = tracing->activity();
  ASSERT_TRUE(activity);
  ASSERT_EQ(activity->call_failures.size(), 1U);
  EXPECT_EQ(activity->call_failures[0].name, "fs-nosuchfs");
  EXPECT_STREQ(to_string(activity->call_failures[0].cause), "missing");
  EXPECT_EQ(delete_module("dummy"), 0);
}

// Its first request loads a module, which stays, and so is not what is missing.
TEST(Causes, WhatWasLoadedAndStayedIsNoCause) {
  (void)delete_module("algif_hash");
  ASSERT_EQ(module_state("algif_hash"), ModuleState::absent);
  Tracing::Options options;
  options.calls = true;
  const auto tracing = open_tracing(options);
  ASSERT_TRUE(tracing);
  const FileDescriptor algorithm(socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(algorithm);
  sockaddr_alg address{};
  address.salg_family = AF_ALG;
  std::memcpy(address.salg_type, "hash", sizeof("hash"));
  std::memcpy(address.salg_name, "nosuch", sizeof("nosuch"));
  ASSERT_EQ(bind(algorithm.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), -1);
  ASSERT_EQ(module_state("algif_hash"), ModuleState::live);
  const auto activity = tracing->activity();
  ASSERT_TRUE(activity);
  ASSERT_EQ(activity->call_failures.size(), 1U);
  EXPECT_EQ(activity->call_failures[0].call, "bind");
  EXPECT_STREQ(to_string(activity->call_failures[0].cause), "missing");
}

void set_modprobe(const std::string& path) {
  std::ofstream("/proc/sys/kernel/modprobe") << path;
  ASSERT_EQ(first_line("/proc/sys/kernel/modprobe"), path);
}

// Anybody can ask for anything: what nobody provides takes room for a while only.
TEST(Causes, InventedNamesDoNotFillTheCounters) {
  constexpr int most = 1024;  // MOST_INVENTED_NAMES of bpf/causes.bpf.c
  constexpr int beyond = 10;
  const std::string modprobe = first_line("/proc/sys/kernel/modprobe");
  set_modprobe("/no/modprobe");
  Tracing::Options options;
  options.calls = true;
  const auto tracing = open_tracing(options);
  ASSERT_TRUE(tracing);
  mkdir(mount_point, 0755);
  for (int i = 0; i < most + beyond; i++)
    EXPECT_EQ(mount("none", mount_point, ("fs" + std::to_string(i)).c_str(), 0, nullptr), -1);
  set_modprobe(modprobe);
  const auto activity = tracing->activity();
  ASSERT_TRUE(activity);
  ASSERT_EQ(activity->call_failures.size(), most + 1U);
  const auto nameless = std::ranges::find(activity->call_failures, "", &CallFailure::name);
  ASSERT_NE(nameless, activity->call_failures.end());
  EXPECT_EQ(nameless->count, beyond);
  const auto snapshot = tracing->snapshot();
  ASSERT_TRUE(snapshot);
  expect_no_drops(*snapshot);
}

TEST(Causes, ALoadThatMeetsADyingModuleIsLoadBusy) {
  Tracing::Options options;
  options.tgid = getpid();
  const auto tracing = open_tracing(options);
  ASSERT_TRUE(tracing);
  TightUnloader unloader("dummy");
  auto loader = ModuleLoader::create();
  auto dummy = loader->find("dummy");
  ASSERT_TRUE(dummy);
  std::uint64_t busy = 0;
  const Tally tally = call_again_and_again(
      *tracing,
      [&] {
        const int error = dummy->load();
        busy += error == EBUSY;
        return error != EBUSY;
      },
      std::chrono::milliseconds(0), FailureCause::load_busy);
  EXPECT_GT(unloader.stop(), 0U);
  std::printf("# %s\n", to_text(tally).c_str());
  EXPECT_GT(busy, 0U);
  EXPECT_EQ(tally.causes.size(), 1U);
  EXPECT_EQ(tally.failures, busy);
  EXPECT_EQ(tally.causes.at(FailureCause::load_busy), busy);
}

// A mount would do as well, but of a module that is gone again the kernel itself complains
// ("request_module fs-… succeeded, but still no fs?"), and the guest's log must stay clean.
TEST(Causes, EachFailedBindHasACause) {
  Tracing::Options options;
  options.tgid = getpid();
  const auto tracing = open_tracing(options);
  ASSERT_TRUE(tracing);
  TightUnloader unloader("algif_hash");
  const Tally tally = call_again_and_again(
      *tracing,
      [] {
        const FileDescriptor algorithm(socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        EXPECT_TRUE(algorithm);
        sockaddr_alg address{};
        address.salg_family = AF_ALG;
        std::memcpy(address.salg_type, "hash", sizeof("hash"));
        std::memcpy(address.salg_name, "sha1", sizeof("sha1"));
        return bind(algorithm.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
      },
      std::chrono::milliseconds(5), FailureCause::unloaded_again);
  EXPECT_GT(unloader.stop(), 0U);
  std::printf("# %s\n", to_text(tally).c_str());
  EXPECT_GT(tally.failures, 0U);
  EXPECT_EQ(tally.causes.count(FailureCause::unknown), 0U);
  EXPECT_EQ(tally.causes.count(FailureCause::missing), 0U);
  EXPECT_GT(tally.causes.count(FailureCause::unloaded_again) +
                tally.causes.count(FailureCause::load_busy),
            0U);
}

TEST(Causes, EachFailedSocketHasACauseAndItsStackIsKnown) {
  Tracing::Options options;
  options.tgid = getpid();
  options.modules = {"kcm"};
  const auto tracing = open_tracing(options);
  ASSERT_TRUE(tracing);
  TightUnloader unloader("kcm");
  const Tally tally = call_again_and_again(
      *tracing,
      [] {
        const int fd = socket(AF_KCM, SOCK_DGRAM, 0);
        if (fd < 0) return false;
        close(fd);
        return true;
      },
      std::chrono::milliseconds(2), FailureCause::still_registered);
  EXPECT_GT(unloader.stop(), 0U);
  std::printf("# %s\n", to_text(tally).c_str());
  EXPECT_GT(tally.failures, 0U);
  EXPECT_EQ(tally.causes.count(FailureCause::unknown), 0U);
  EXPECT_EQ(tally.causes.count(FailureCause::missing), 0U);
  ASSERT_EQ(tally.causes.count(FailureCause::still_registered), 1U);

  const auto snapshot = tracing->snapshot();
  ASSERT_TRUE(snapshot);
  expect_no_drops(*snapshot);
  const auto failures = tracing->get_failures();
  ASSERT_TRUE(failures);
  std::uint64_t failed = 0;
  for (const GetFailure& failure : *failures) {
    EXPECT_EQ(failure.name, "kcm");
    EXPECT_TRUE(failure.reason == "going" || failure.reason == "no_count") << failure.reason;
    EXPECT_FALSE(failure.stack.empty());
    failed += failure.count;
  }
  EXPECT_EQ(failed, counter(*snapshot, "module_get_failures"));
  EXPECT_GE(failed, tally.causes.at(FailureCause::still_registered));
}

TEST(Causes, WhatNobodyProvidesIsMissing) {
  Tracing::Options options;
  options.tgid = getpid();
  const auto tracing = open_tracing(options);
  ASSERT_TRUE(tracing);
  mkdir(mount_point, 0755);
  for (int i = 0; i < 5; i++) {
    const std::uint64_t since_ns = now_ns();
    ASSERT_EQ(mount("none", mount_point, "nosuchfs", 0, nullptr), -1);
    const auto cause = tracing->cause(gettid(), since_ns);
    ASSERT_TRUE(cause);
    EXPECT_STREQ(to_string(*cause), "missing");
  }
  // Asking forgets.
  EXPECT_EQ(tracing->cause(gettid()).value_or(FailureCause::missing), FailureCause::unknown);
}

}  // namespace
}  // namespace raceless
