// SPDX-License-Identifier: GPL-2.0
#include "kernel_memory.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "text_file.h"

namespace raceless {
namespace {

namespace fs = std::filesystem;

class KernelMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "kernel_memory";
    fs::remove_all(root_);
    fs::create_directories(root_ + "/proc");
    fs::create_directories(root_ + "/sys/kernel/slab/raceless_slot");
  }

  std::string root_;
};

TEST_F(KernelMemoryTest, ReadsMeminfo) {
  ASSERT_TRUE(
      write_text(root_ + "/proc/meminfo",
                 "MemTotal:        2035236 kB\nSlab:              12345 kB\n"
                 "SReclaimable:      1 kB\nPercpu:              640 kB\nHugePages_Total:   0\n"));
  const KernelMemory memory = read_kernel_memory(root_);
  EXPECT_EQ(memory.slab_bytes, 12345U * 1024);
  EXPECT_EQ(memory.percpu_bytes, 640U * 1024);
}

TEST_F(KernelMemoryTest, ReadsTheSizeOfAnObject) {
  ASSERT_TRUE(write_text(root_ + "/sys/kernel/slab/raceless_slot/slab_size", "640\n"));
  EXPECT_EQ(slab_object_bytes("raceless_slot", root_), 640U);
  EXPECT_EQ(slab_object_bytes("absent", root_), 0U);
}

TEST_F(KernelMemoryTest, NothingIsNothing) { EXPECT_EQ(read_kernel_memory(root_).slab_bytes, 0U); }

}  // namespace
}  // namespace raceless
