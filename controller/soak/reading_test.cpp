// SPDX-License-Identifier: GPL-2.0
#include "soak/reading.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace raceless {
namespace {

namespace fs = std::filesystem;

class ReadingTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "raceless-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  double value(std::string_view name) const {
    const Reading reading = read_quantities(root_);
    for (size_t i = 0; i < kQuantities.size(); i++)
      if (kQuantities[i].name == name) return reading.values[i];
    ADD_FAILURE() << "no quantity " << name;
    return 0;
  }

  std::string root_;
};

TEST_F(ReadingTest, MemoryIsInBytes) {
  write("/proc/meminfo",
        "MemTotal:        1000000 kB\nMemFree:          800000 kB\nAnonPages: 7 kB\nSlab:          "
        "    20000 kB\n"
        "KernelStack:        1024 kB\nPageTables:          512 kB\nVmallocUsed:       11000 kB\n"
        "Percpu:             3072 kB\nHugePages_Total:       0\n");
  EXPECT_EQ(value("free memory"), 800007 * kKiB);
  EXPECT_EQ(value("slab"), 20000 * kKiB);
  EXPECT_EQ(value("page tables"), 512 * kKiB);
  EXPECT_EQ(value("vmalloc"), 11000 * kKiB);
  EXPECT_EQ(value("per-CPU memory"), 3 * kMiB);
}

TEST_F(ReadingTest, MemoryInTheListsOfCpusIsFree) {
  write("/proc/meminfo", "MemFree: 800000 kB\nAnonPages: 7 kB\n");
  write("/proc/zoneinfo",
        "Node 0, zone    DMA32\n  pages free     220000\n        min      1000\n"
        "  pagesets\n    cpu: 0\n              count: 1000\n              high:  5000\n"
        "    cpu: 1\n              count: 24\n              high:  5000\n");
  EXPECT_EQ(value("free memory"),
            800007 * kKiB + 1024 * static_cast<double>(sysconf(_SC_PAGESIZE)));
}

TEST_F(ReadingTest, TheRegistryTellsItsOwn) {
  EXPECT_EQ(value("slots"), 0);
  write("/proc/raceless",
        "# name state instance owner refs waiters beside_state beside_refs\n"
        "null live 17 raceless_sample_null 3 1 draining 2\n"
        "codec gone - - 0 0 - 0\n"
        "# total descriptors_opened 11\n# total descriptors_closed 9\n");
  EXPECT_EQ(value("slots"), 2);
  EXPECT_EQ(value("instances"), 2);
  EXPECT_EQ(value("references"), 5);
  EXPECT_EQ(value("waiters"), 1);
  EXPECT_EQ(value("descriptors"), 2);
}

TEST_F(ReadingTest, ListsAreCounted) {
  write("/proc/modules", "raceless 90112 0 - Live 0x0\ndummy 16384 0 - Live 0x0\n");
  write("/proc/loadavg", "0.10 0.20 0.30 2/117 4711\n");
  write("/proc/sys/fs/file-nr", "320\t0\t9223372036854775807\n");
  EXPECT_EQ(value("modules"), 2);
  EXPECT_EQ(value("tasks"), 117);
  EXPECT_EQ(value("kworkers"), 0);
  EXPECT_EQ(value("open files"), 320);
}

// The kernel keeps them for minutes, as many as it needed at once.
TEST_F(ReadingTest, KworkersAreCountedApart) {
  write("/proc/loadavg", "0.10 0.20 0.30 2/60 4711\n");
  write("/proc/meminfo", "KernelStack:        1024 kB\n");  // of 61 tasks, and three that are kept
  write("/proc/1/comm", "init\n");
  write("/proc/20/comm", "kworker/0:1-events\n");
  write("/proc/21/comm", "kworker/u8:2\n");
  write("/proc/self/comm", "kworker/not\n");
  EXPECT_EQ(value("tasks"), 58);
  EXPECT_EQ(value("kworkers"), 2);
  EXPECT_EQ(value("kernel stacks"), (1024 - 2 * 16) * kKiB);
}

TEST_F(ReadingTest, CachesThatCannotBeReclaimedAreKeptApart) {
  write("/proc/slabinfo",
        "slabinfo - version: 2.1\n# name <active_objs>\n"
        "kmalloc-64 3712 3840 64 64 1 : tunables 0 0 0\n"
        "dentry 9000 9000 192 21 1 : tunables 0 0 0\n");
  write("/sys/kernel/slab/dentry/reclaim_account", "1\n");
  const Reading reading = read_quantities(root_);
  ASSERT_EQ(reading.caches.size(), 1U);
  EXPECT_EQ(reading.caches.begin()->first, "objects of kmalloc-64");
  EXPECT_EQ(reading.caches.begin()->second, 3712);
}

TEST(QuantityText, IsShort) {
  EXPECT_EQ(quantity_text(Unit::bytes, 20 * kMiB), "20.0 MiB");
  EXPECT_EQ(quantity_text(Unit::bytes, 20 * kKiB, true), "+20 KiB");
  EXPECT_EQ(quantity_text(Unit::bytes, -20 * kKiB, true), "-20 KiB");
  EXPECT_EQ(quantity_text(Unit::objects, 7), "7");
  EXPECT_EQ(quantity_text(Unit::objects, 0.4, true), "+0.4");
  EXPECT_EQ(quantity_text(Unit::objects, 0, true), "0");
}

}  // namespace
}  // namespace raceless
