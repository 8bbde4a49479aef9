// SPDX-License-Identifier: GPL-2.0
// What is seen of a module's holders while gets and puts of it are recorded. Needs configfs.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "holders/holder_programs.h"
#include "module_loader.h"

namespace raceless {
namespace {

constexpr const char* mount_point = "/tmp/holders-guest";

// A get and a put of the file system's module.
void use_configfs() {
  const long context = syscall(SYS_fsopen, "configfs", 0);
  if (context >= 0) close(static_cast<int>(context));
}

class Holders : public testing::Test {
 protected:
  void SetUp() override {
    mkdir(mount_point, 0755);
    ASSERT_EQ(mount("none", mount_point, "configfs", 0, nullptr), 0) << errno;
  }
  void TearDown() override {
    umount(mount_point);
    (void)delete_module("configfs");
  }
};

// Nobody reads the ring buffer until the mounts are to be told by it.
TEST_F(Holders, MountsAreSeenHoweverManyGetsThereWere) {
  auto programs = HolderPrograms::open("configfs", true);
  ASSERT_TRUE(programs) << programs.error().message();
  std::uint64_t uses = 0;
  ASSERT_TRUE(programs->record([&](const raceless_module_use&) { uses++; }));
  constexpr int kBatch = 1000;
  constexpr int kMostBatches = 200;
  int batches = 0;
  for (std::uint64_t lost = 0; lost == 0 && batches < kMostBatches; batches++) {
    for (int i = 0; i < kBatch; i++) use_configfs();
    lost = programs->lost().value_or(0);
  }
  const auto seen = programs->look();
  ASSERT_TRUE(seen) << seen.error().message();
  EXPECT_EQ(std::ranges::count(seen->holders, __u32{RACELESS_HOLDER_MOUNT}, &raceless_holder::kind),
            1);
  EXPECT_TRUE(seen->missing.empty()) << seen->missing.front();
  const auto lost = programs->lost();
  ASSERT_TRUE(lost);
  EXPECT_GT(*lost, 0U);
  // Each get and each put was recorded, or is known to be lost.
  EXPECT_GE(uses + *lost, 2U * kBatch * static_cast<std::uint64_t>(batches));
}

}  // namespace
}  // namespace raceless
