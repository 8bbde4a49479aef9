// SPDX-License-Identifier: GPL-2.0
#include "targets/held_files.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "text_file.h"

namespace raceless {
namespace {

namespace fs = std::filesystem;

// Process 7 is stopped and has /dev/zero (1:5) open as descriptor 3, and a plain file as 4.
class HeldFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "held-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    root_ = folder;
    fs::create_directories(root_ + "/proc/7/fd");
    fs::create_directories(root_ + "/sys/dev/char");
    fs::create_directories(root_ + "/sys/dev/block");
    fs::create_symlink("/dev/zero", root_ + "/proc/7/fd/3");
    fs::create_symlink("/etc/passwd", root_ + "/proc/7/fd/4");
    fs::create_symlink("../../devices/virtual/mem/zero", node());
    state("T");
  }
  void TearDown() override { fs::remove_all(root_); }

  [[nodiscard]] std::string node() const { return root_ + "/sys/dev/char/1:5"; }
  void state(const std::string& letter) const {
    ASSERT_TRUE(write_text(root_ + "/proc/7/stat", "7 (a) b) " + letter + " 1 7 7\n"));
  }

  std::string root_;
};

TEST_F(HeldFilesTest, NothingVanishedWhileTheDeviceStays) {
  const HeldFiles held = HeldFiles::capture({7}, root_);
  EXPECT_FALSE(held.empty());
  EXPECT_EQ(held.vanished(), std::nullopt);
}

TEST_F(HeldFilesTest, ADeviceThatWasUnregisteredWhileOpenVanished) {
  const HeldFiles held = HeldFiles::capture({7}, root_);
  fs::remove(node());
  EXPECT_EQ(held.vanished(), "/dev/zero");
}

TEST_F(HeldFilesTest, OneThatWasClosedBeforeIsNobodysBusiness) {
  const HeldFiles held = HeldFiles::capture({7}, root_);
  fs::remove(root_ + "/proc/7/fd/3");
  fs::remove(node());
  EXPECT_EQ(held.vanished(), std::nullopt);
}

TEST_F(HeldFilesTest, AProcessThatRunsHoldsNothing) {
  state("R");
  EXPECT_TRUE(HeldFiles::capture({7}, root_).empty());
  state("t");
  EXPECT_FALSE(HeldFiles::capture({7}, root_).empty());
}

TEST_F(HeldFilesTest, KnowsDevicesThatWereThereBefore) {
  const std::string descriptor = root_ + "/proc/7/fd/3";
  EXPECT_TRUE(HeldFiles::is_new_device(descriptor, {}, root_));
  EXPECT_FALSE(HeldFiles::is_new_device(descriptor, HeldFiles::known_devices(root_), root_));
  EXPECT_FALSE(HeldFiles::is_new_device(root_ + "/proc/7/fd/4", {}, root_));
}

}  // namespace
}  // namespace raceless
