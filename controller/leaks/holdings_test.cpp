// SPDX-License-Identifier: GPL-2.0
// The kernel's files as 6.1 and 6.12 print them.
#include "leaks/holdings.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace raceless {
namespace {

namespace fs = std::filesystem;

class HoldingsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "raceless-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    code_.add("mine", "/no/such/file");
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  // The count and bytes of the only holding of that kind.
  std::string only(Evidence evidence) const {
    std::string text;
    for (const auto& [key, holding] : holdings_)
      if (key.evidence == evidence)
        text += (text.empty() ? "" : "; ") + std::to_string(holding.count) + " " + key.what + " " +
                std::to_string(holding.bytes) + " " + key.caller;
    return text;
  }

  std::string root_;
  TestedCode code_;
  Holdings holdings_;
};

TEST_F(HoldingsTest, SlabObjectsBelongToWhoAllocatedThemOrAskedForIt) {
  EXPECT_FALSE(knows_slab_callers(root_));
  write("/sys/kernel/slab/kmalloc-64/object_size", "64\n");
  write("/sys/kernel/debug/slab/kmalloc-64/alloc_traces",
        "      3 leak+0x45/0x60 [mine] age=665/666/668 pid=88 cpus=1\n"
        "        kmalloc_trace+0x26/0x90\n"
        "        leak+0x45/0x60 [mine]\n"
        "        param_attr_store+0x94/0xe0\n"
        "\n"
        "     17 load_module+0x210b/0x21b0 waste=192/24 age=9 pid=1 cpus=0-1\n"
        "        load_module+0x210b/0x21b0\n"
        "\n"
        "      2 alloc_workqueue+0x10/0x20 age=1/2/3 pid=88 cpus=1\n"
        "        alloc_workqueue+0x10/0x20\n"
        "        start+0x1/0x60 [mine]\n"
        "        leak+0x45/0x60 [mine]\n"
        "\n"
        "      1 leak+0x45/0x60 [mine] age=9 pid=99 cpus=0\n"
        "      9 other+0x45/0x60 [other] age=9 pid=99 cpus=0\n");
  EXPECT_TRUE(knows_slab_callers(root_));
  add_slab_callers(code_, holdings_, root_);
  EXPECT_EQ(only(Evidence::direct), "4 objects of kmalloc-64 256 leak+0x45 [mine]");
  EXPECT_EQ(only(Evidence::indirect), "2 objects of kmalloc-64 128 start+0x1 [mine]");
  EXPECT_EQ(holdings_.size(), 2U);
}

TEST_F(HoldingsTest, CachesThatMayBeReclaimedDoNotCount) {
  write("/sys/kernel/slab/dentry/reclaim_account", "1\n");
  write("/sys/kernel/slab/kmalloc-64/reclaim_account", "0\n");
  write("/proc/slabinfo",
        "slabinfo - version: 2.1\n"
        "# name            <active_objs> <num_objs> <objsize> <objperslab>\n"
        "kmalloc-64          3712   3840     64   64    1 : tunables    0    0    0\n"
        "dentry             10000  10000    192   21    1 : tunables    0    0    0\n");
  add_slab_caches(holdings_, root_);
  EXPECT_EQ(only(Evidence::cache), "3712 objects of kmalloc-64 237568 ");
}

TEST_F(HoldingsTest, VmallocAreasBelongToTheirCaller) {
  write("/proc/vmallocinfo",
        "0xffffd0ef00409000-0xffffd0ef0040e000   20480 leak+0x45/0x60 [mine] pages=4 vmalloc N0=4\n"
        "0xffffd0ef0040e000-0xffffd0ef00413000   20480 load_module+0x45/0x60 pages=4 vmalloc\n"
        "0xffffd0ef00428000-0xffffd0ef0042d000   20480 unpurged vm_area\n"
        "0xffffd0ef00500000-0xffffd0ef00502000    8192 leak+0x45/0x60 [mine] ioremap\n");
  add_vmalloc_areas(code_, holdings_, root_);
  EXPECT_EQ(only(Evidence::direct), "2 areas of vmalloc 24576 leak+0x45 [mine]");
  EXPECT_EQ(holdings_.size(), 1U);
}

TEST_F(HoldingsTest, PerCpuMemoryAndModulesAreCounted) {
  write("/proc/meminfo", "MemTotal:         505000 kB\nPercpu:              536 kB\n");
  write("/proc/modules", "mine 16384 0 - Live 0x0000000000000000 (OE)\nother 16384 1 - Live 0x0\n");
  write("/sys/devices/system/cpu/possible", "0-1\n");
  add_percpu_memory(holdings_, root_);
  add_modules(holdings_, root_);
  EXPECT_EQ(only(Evidence::pages), "67 pages of per-CPU memory 548864 ");
  EXPECT_EQ(only(Evidence::listed), "2 loaded modules 0 ");
  EXPECT_EQ((holdings_[{Evidence::listed, "loaded modules", ""}].example), "mine");
}

TEST_F(HoldingsTest, FilesThatAreNotThereHoldNothing) {
  add_slab_callers(code_, holdings_, root_);
  add_slab_caches(holdings_, root_);
  add_vmalloc_areas(code_, holdings_, root_);
  add_percpu_memory(holdings_, root_);
  EXPECT_TRUE(holdings_.empty());
}

}  // namespace
}  // namespace raceless
