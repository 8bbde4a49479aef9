// SPDX-License-Identifier: GPL-2.0
#include "holders/attribution.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "text_file.h"

namespace raceless {
namespace {

constexpr uint32_t kLoop0 = 7 << 20;

raceless_holder seen(raceless_holder_kind kind, uint64_t object, uint64_t thing, uint32_t pid,
                     int32_t fd) {
  raceless_holder record{};
  record.kind = kind;
  record.references = 1;
  record.object = object;
  record.thing = thing;
  record.pid = pid;
  record.fd = fd;
  std::strcpy(record.comm, "cat");
  return record;
}

raceless_holder mounted(uint64_t block, bool active) {
  raceless_holder record = seen(RACELESS_HOLDER_MOUNT, block, block, 0, RACELESS_HOLDER_NOBODY);
  record.active = active ? 1 : 0;
  record.number = kLoop0;
  std::strcpy(record.name, "romfs");
  return record;
}

std::vector<Holder> make(const std::vector<raceless_holder>& records,
                         const MountPoints& mounts = {}) {
  return attribute(records, mounts, [](const raceless_holder& record) {
    return "/path" + std::to_string(record.fd);
  });
}

TEST(Attribution, ACharacterDeviceHasTwoReferences) {
  const auto holders = make(
      {seen(RACELESS_HOLDER_OPERATIONS, 1, 1, 12, 3), seen(RACELESS_HOLDER_DEVICE, 1, 1, 12, 3)});
  ASSERT_EQ(holders.size(), 1U);
  EXPECT_EQ(holders[0].kind, "device");
  EXPECT_EQ(holders[0].references, 2U);
  EXPECT_EQ(holders[0].parts, (std::map<std::string, uint64_t>{{"device", 1}, {"operations", 1}}));
  ASSERT_EQ(holders[0].users.size(), 1U);
  EXPECT_EQ(holders[0].users[0].how, "fd 3");
  EXPECT_EQ(holders[0].users[0].path, "/path3");
  EXPECT_EQ(holders[0].remedy, "close it, or end cat[12]");
}

TEST(Attribution, WhatIsSharedCountsOnce) {
  const auto holders = make({seen(RACELESS_HOLDER_OPERATIONS, 1, 1, 12, 3),
                             seen(RACELESS_HOLDER_OPERATIONS, 1, 1, 12, 4),
                             seen(RACELESS_HOLDER_OPERATIONS, 1, 1, 13, 3),
                             seen(RACELESS_HOLDER_OPERATIONS, 1, 1, 13, RACELESS_HOLDER_MAPPED),
                             seen(RACELESS_HOLDER_OPERATIONS, 1, 1, 13, RACELESS_HOLDER_MAPPED),
                             seen(RACELESS_HOLDER_OPERATIONS, 2, 2, 13, 5)});
  ASSERT_EQ(holders.size(), 2U);
  EXPECT_EQ(holders[0].references, 1U);
  EXPECT_EQ(holders[0].users.size(), 4U);
  EXPECT_EQ(holders[0].remedy, "close it, or end cat[12] and cat[13]");
  EXPECT_EQ(holders[1].references, 1U);
}

// The socket that it was accepted from is met by way of two.
TEST(Attribution, AnObjectOfTwoThingsCountsOnce) {
  const auto holders = make(
      {seen(RACELESS_HOLDER_PROTOCOL, 10, 1, 12, 3), seen(RACELESS_HOLDER_PROTOCOL, 99, 1, 12, 3),
       seen(RACELESS_HOLDER_PROTOCOL, 11, 2, 12, 4), seen(RACELESS_HOLDER_PROTOCOL, 99, 2, 12, 4)});
  ASSERT_EQ(holders.size(), 2U);
  EXPECT_EQ(holders[0].references + holders[1].references, 3U);
  EXPECT_EQ(holders[0].kind, "socket");
}

TEST(Attribution, AMountSaysWhere) {
  MountPoints mounts;
  mounts.add("30 1 7:0 / /mnt ro - romfs /dev/loop0 ro\n", 1, false);
  mounts.add("30 1 7:0 / /srv ro - romfs /dev/loop0 ro\n", 812, true);
  const auto holders = make({mounted(1, true), seen(RACELESS_HOLDER_USE, 5, 1, 12, 3)}, mounts);
  ASSERT_EQ(holders.size(), 1U);
  EXPECT_EQ(holders[0].kind, "mount");
  EXPECT_EQ(holders[0].references, 1U);
  EXPECT_EQ(holders[0].what, "romfs (7:0) mounted on /mnt, /srv (in the mount namespace of 812)");
  EXPECT_EQ(holders[0].remedy, "umount /mnt; nsenter -t 812 -m umount /srv");
  EXPECT_EQ(holders[0].users.size(), 1U);
}

TEST(Attribution, ARemedyCanBePasted) {
  MountPoints mounts;
  mounts.add("30 1 7:0 / /mnt/a\\040b;id ro - romfs /dev/loop0 ro\n", 812, true);
  EXPECT_EQ(make({mounted(1, true)}, mounts).at(0).remedy,
            "nsenter -t 812 -m umount '/mnt/a b;id'");
  raceless_holder swap = seen(RACELESS_HOLDER_SWAP, 1, 1, 0, RACELESS_HOLDER_NOBODY);
  std::string("cciss!c0d0p1").copy(swap.name, sizeof(swap.name) - 1);
  EXPECT_EQ(make({swap}).at(0).remedy, "swapoff /dev/cciss/c0d0p1");
}

TEST(Attribution, AMountWithoutAPlaceIsDetached) {
  const auto used =
      make({mounted(1, true), seen(RACELESS_HOLDER_USE, 5, 1, 12, RACELESS_HOLDER_CURRENT)});
  EXPECT_NE(used.at(0).what.find("detached"), std::string::npos);
  EXPECT_EQ(used.at(0).users.at(0).how, "current folder");
  EXPECT_EQ(used.at(0).remedy, "end its users");
  EXPECT_NE(make({mounted(1, true)}).at(0).remedy.find("in flight"), std::string::npos);
  EXPECT_EQ(make({mounted(1, false)}).at(0).remedy, "wait");
}

TEST(Attribution, AUseAloneHoldsNothing) {
  EXPECT_TRUE(make({seen(RACELESS_HOLDER_USE, 5, 1, 12, 3)}).empty());
  raceless_holder unknown = seen(RACELESS_HOLDER_USE, 5, 1, 12, 3);
  unknown.kind = RACELESS_HOLDER_KINDS;
  EXPECT_TRUE(make({unknown}).empty());
}

TEST(Attribution, EachKindIsDescribed) {
  for (uint32_t kind = 0; kind < RACELESS_HOLDER_KINDS; kind++) {
    if (kind == RACELESS_HOLDER_USE) continue;
    const auto holders = make({seen(static_cast<raceless_holder_kind>(kind), 1, 1, 12, 3)});
    ASSERT_EQ(holders.size(), 1U) << kind;
    EXPECT_NE(holders[0].kind, "") << kind;
    EXPECT_NE(holders[0].what, "") << kind;
    EXPECT_NE(holders[0].remedy, "") << kind;
    EXPECT_EQ(holders[0].parts.begin()->second, 1U) << kind;
  }
}

TEST(Attribution, PathsComeFromProc) {
  const std::string root = testing::TempDir() + "/paths";
  std::filesystem::remove_all(root);
  std::filesystem::create_directories(root + "/proc/12/fd");
  std::filesystem::create_symlink("/dev/x", root + "/proc/12/fd/3");
  std::filesystem::create_symlink("/mnt", root + "/proc/12/cwd");
  ASSERT_TRUE(write_text(root + "/proc/12/maps",
                         "00400000-00401000 r--p 00000000 00:01 7    /bin/cat\n"
                         "7f0000000000-7f0000001000 r--s 00000000 00:05 9    /dev/a b\n"
                         "7f0000002000-7f0000003000 rw-p 00000000 00:00 0\n"));
  EXPECT_EQ(path_of(seen(RACELESS_HOLDER_OPERATIONS, 1, 1, 12, 3), root), "/dev/x");
  EXPECT_EQ(path_of(seen(RACELESS_HOLDER_USE, 1, 1, 12, RACELESS_HOLDER_CURRENT), root), "/mnt");
  EXPECT_EQ(path_of(seen(RACELESS_HOLDER_OPERATIONS, 1, 1, 12, 4), root), "");
  raceless_holder mapped = seen(RACELESS_HOLDER_OPERATIONS, 1, 1, 12, RACELESS_HOLDER_MAPPED);
  mapped.place = 0x7f0000000000;
  EXPECT_EQ(path_of(mapped, root), "/dev/a b");
  mapped.place = 0x400000;
  EXPECT_EQ(path_of(mapped, root), "/bin/cat");
  mapped.place = 0x7f0000002000;
  EXPECT_EQ(path_of(mapped, root), "");
  mapped.place = 0x1000;
  EXPECT_EQ(path_of(mapped, root), "");
  mapped.pid = 13;
  EXPECT_EQ(path_of(mapped, root), "");
}

}  // namespace
}  // namespace raceless
