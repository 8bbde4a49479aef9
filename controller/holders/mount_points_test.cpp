// SPDX-License-Identifier: GPL-2.0
#include "holders/mount_points.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "text_file.h"

namespace raceless {
namespace {

constexpr uint32_t device(uint32_t major, uint32_t minor) { return major << 20 | minor; }

TEST(MountPoints, AreFoundByDevice) {
  MountPoints points;
  points.add(
      "21 1 0:19 / /sys rw - sysfs sysfs rw\n"
      "30 1 7:0 / /mnt/a\\040b\\134c ro shared:1 - romfs /dev/loop0 ro\n",
      1, false);
  points.add("40 1 7:0 /inside /srv ro - romfs /dev/loop0 ro", 812, true);
  const auto& found = points.of(device(7, 0));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].path, "/mnt/a b\\c");
  EXPECT_FALSE(found[0].is_other);
  EXPECT_EQ(found[1].path, "/srv");
  EXPECT_EQ(found[1].pid, 812U);
  EXPECT_TRUE(found[1].is_other);
  EXPECT_TRUE(points.of(device(7, 1)).empty());
  // of all that may stand in a path the kernel escapes what separates
  points.add("41 1 7:2 / /mnt/a\vb\r ro - romfs /dev/loop2 ro\n", 1, false);
  EXPECT_EQ(points.of(device(7, 2)).at(0).path, "/mnt/a\vb\r");
}

TEST(MountPoints, WhatIsNoLineIsLeftOut) {
  MountPoints points;
  points.add("\n30 1 7 / /mnt\n30 1 7:0\n30 1 x:0 / /mnt -\n\\", 1, false);
  EXPECT_TRUE(points.of(device(7, 0)).empty());
}

// A process: its number, its mount namespace, and what is mounted there.
void plant(const std::string& root, const std::string& pid, const std::string& space,
           const std::string& mountinfo) {
  const std::filesystem::path folder = root + "/proc/" + pid;
  std::filesystem::create_directories(folder / "ns");
  std::filesystem::create_symlink("mnt:[" + space + "]", folder / "ns/mnt");
  ASSERT_TRUE(write_text(folder / "mountinfo", mountinfo));
}

TEST(MountPoints, AreReadOnceForEachNamespace) {
  const std::string root = testing::TempDir() + "/mount_points";
  std::filesystem::remove_all(root);
  plant(root, "self", "1", "");
  plant(root, "1", "1", "30 1 7:0 / /mnt rw\n");
  plant(root, "2", "1", "30 1 7:0 / /mnt rw\n");
  plant(root, "3", "9", "30 1 7:0 / /there rw\n");
  const MountPoints points = MountPoints::read(root);
  std::set<std::string> paths;
  for (const MountPoint& point : points.of(device(7, 0))) {
    paths.insert(point.path);
    EXPECT_EQ(point.is_other, point.path == "/there");
  }
  EXPECT_EQ(points.of(device(7, 0)).size(), 2U);
  EXPECT_EQ(paths, (std::set<std::string>{"/mnt", "/there"}));
}

}  // namespace
}  // namespace raceless
