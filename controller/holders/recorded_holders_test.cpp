// SPDX-License-Identifier: GPL-2.0
#include "holders/recorded_holders.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "text_file.h"

namespace raceless {
namespace {

std::string fresh_root(const std::string& name) {
  std::string root = testing::TempDir() + "/" + name;
  std::filesystem::remove_all(root);
  std::filesystem::create_directories(root);
  return root;
}

TEST(RecordedHolders, DependentsAreTheModulesOfItsFolder) {
  const std::string root = fresh_root("dependents");
  for (const char* name : {"zram", "algif_hash"})
    std::filesystem::create_directories(root + "/sys/module/af_alg/holders/" + name);
  const auto holders = dependents_of("af_alg", root);
  ASSERT_EQ(holders.size(), 2U);
  EXPECT_EQ(holders[0].what, "module algif_hash");
  EXPECT_EQ(holders[0].references, 1U);
  EXPECT_EQ(holders[1].remedy, "rmmod zram first");
  EXPECT_TRUE(dependents_of("none", root).empty());
}

TEST(RecordedHolders, ADiskWithAFileBehindItHoldsLoop) {
  const std::string root = fresh_root("disks");
  for (const char* name : {"loop0", "loop1", "loop2", "vda"})
    std::filesystem::create_directories(root + "/sys/block/" + name);
  for (const char* name : {"loop0", "loop2"}) {
    const std::string folder = root + "/sys/block/" + name + "/loop";
    std::filesystem::create_directories(folder);
    ASSERT_TRUE(write_text(folder + "/backing_file", "/tmp/image\n"));
    ASSERT_TRUE(write_text(folder + "/autoclear", std::string(name) == "loop2" ? "1\n" : "0\n"));
  }
  const auto holders = backed_disks_of("loop", root);
  ASSERT_EQ(holders.size(), 2U);
  EXPECT_EQ(holders[0].what, "loop0 backed by /tmp/image");
  EXPECT_EQ(holders[0].remedy, "losetup -d /dev/loop0");
  EXPECT_EQ(holders[1].remedy, "it goes with its last user");
  EXPECT_TRUE(backed_disks_of("zram", root).empty());
}

const StateFile& registry() {
  static const StateFile file =
      StateFile::parse(
          "# name state instance owner refs beside_instance beside_owner\n"
          "null live 7 one 3 0 -\n"
          "codec live 9 two 3 8 one\n")
          .value();
  return file;
}

TEST(RecordedHolders, DescriptorsHoldTheInstancesOfAModule) {
  const auto holders = descriptors_of("one", registry(),
                                      "# name instance pid reference calls comm\n"
                                      "null 7 812 1 0 python3\n"
                                      "null 7 812 2 0 python3\n"
                                      "null 6 44 1 0 old\n"
                                      "codec 9 44 2 0 cat\n"
                                      "codec 8 44 3 0 cat\n");
  ASSERT_TRUE(holders) << holders.error().message();
  ASSERT_EQ(holders->size(), 2U);
  EXPECT_EQ((*holders)[0].what, "references on codec through a descriptor");
  EXPECT_EQ((*holders)[0].references, 1U);
  EXPECT_EQ((*holders)[1].references, 2U);
  EXPECT_EQ((*holders)[1].users.at(0).pid, 812U);
  EXPECT_EQ((*holders)[1].parts.at("descriptor"), 2U);
  EXPECT_EQ((*holders)[1].remedy, "end python3[812], or have it put them");
}

TEST(RecordedHolders, WhatMakesNoSenseIsRefused) {
  EXPECT_FALSE(descriptors_of("one", registry(), ""));
  EXPECT_FALSE(descriptors_of("one", registry(), "# name instance\nnull 7\n"));
}

}  // namespace
}  // namespace raceless
