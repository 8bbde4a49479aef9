// SPDX-License-Identifier: GPL-2.0
#include "kernel_leaks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include "../registry.h"
#include "text_file.h"

namespace raceless {
namespace {

constexpr const char* kKmemleak = "/sys/kernel/debug/kmemleak";
constexpr const char* kPrintk = "/proc/sys/kernel/printk";
constexpr std::string_view kRecord = "unreferenced object";

// kmemleak tells of nothing younger than 5 s, and of nothing that has changed since it last looked.
constexpr std::chrono::seconds kBetweenLooks{6};

// Functions below which something is lost.
constexpr std::array<std::string_view, 1> kLosers = {
    // 6.12: after a failed kobject_init_and_add() it lacks kobject_put(), which would free the
    // name.
    "sysfs_slab_add"};

void write(const char* path, const std::string& text) {
  EXPECT_TRUE(write_file(path, text)) << path;
}

// Its message would be a complaint on the console, as it is there for any case.
void look() {
  const std::string levels = first_line(kPrintk);
  write(kPrintk, "4");
  for (int i = 0; i < 2; i++) {
    std::this_thread::sleep_for(kBetweenLooks);
    write(kKmemleak, "scan");
  }
  write(kPrintk, levels);
}

bool is_of_the_kernel(std::string_view record) {
  return std::any_of(kLosers.begin(), kLosers.end(), [record](std::string_view function) {
    return record.find(std::string(function) + "+0x") != std::string_view::npos;
  });
}

}  // namespace

void forgive_kernel_leaks() {
  if (!std::filesystem::exists(kKmemleak)) return;
  look();
  const Result<std::string> report = read_text(kKmemleak);
  ASSERT_TRUE(report) << kKmemleak;
  for (size_t at = report->find(kRecord); at != std::string::npos;) {
    const size_t next = report->find(kRecord, at + kRecord.size());
    const std::string record = report->substr(at, next - at);
    EXPECT_TRUE(is_of_the_kernel(record)) << record;
    at = next;
  }
  write(kKmemleak, "clear");
}

}  // namespace raceless
