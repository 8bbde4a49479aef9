// SPDX-License-Identifier: GPL-2.0
#include "targets/target.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

Result<std::unique_ptr<Target>> make(const std::string& name, const std::string& workload = "") {
  Parameters parameters;
  parameters.target = name;
  parameters.workload = workload;
  return make_target(parameters);
}

TEST(Target, EveryKindCanBeMade) {
  for (const char* name :
       {"null", "codec", "chaos", "factory", "policy:legacy", "load:dummy", "finit_module:romfs",
        "init_module:romfs", "insmod:romfs", "modprobe:romfs", "fsopen:configfs", "fsopen:romfs",
        "mount:configfs", "mount:romfs", "socket:kcm", "alg:sha1", "replace:through",
        "replace:side-by-side"})
    EXPECT_TRUE(make(name)) << name;
  EXPECT_TRUE(make("module:/tmp/my.ko", "cat /dev/my"));
}

TEST(Target, AnUnknownOneListsTheValidOnes) {
  for (const char* name : {"", "codecs", "mount:", "mount:ext4", "socket:tcp", "load"}) {
    const auto target = make(name);
    ASSERT_FALSE(target) << name;
    const std::string message = target.error().message();
    for (const char* valid : {"codec", "load:NAME", "mount:romfs", "module:PATH"})
      EXPECT_NE(message.find(valid), std::string::npos) << message;
  }
}

TEST(Target, AnUnknownPolicyListsTheValidOnes) {
  const auto target = make("policy:five-point");
  ASSERT_FALSE(target);
  const std::string message = target.error().message();
  for (const char* valid : {"three-point", "four-point", "legacy", "try_module_get"})
    EXPECT_NE(message.find(valid), std::string::npos) << message;
}

TEST(Target, OddModuleNamesAreRefused) {
  EXPECT_FALSE(make("load:"));
  EXPECT_FALSE(make("load:../../etc/passwd"));
  EXPECT_FALSE(make("load:a b"));
  EXPECT_FALSE(make("insmod:a;reboot"));
  EXPECT_FALSE(make("load:" + std::string(56, 'a')));
  EXPECT_TRUE(make("load:" + std::string(55, 'a')));
}

TEST(Target, AModuleOfOnesOwnNeedsPathAndWorkload) {
  EXPECT_FALSE(make("module:", "true"));
  EXPECT_FALSE(make("module:/tmp/my.ko"));
}

TEST(Target, SaysWhichModulesItNeeds) {
  EXPECT_EQ((*make("mount:romfs"))->needs(), (std::vector<std::string>{"romfs", "loop"}));
  EXPECT_EQ((*make("load:dummy"))->needs(), std::vector<std::string>{"dummy"});
  EXPECT_TRUE((*make("codec"))->needs().empty());
}

TEST(Target, ExpectsOnlyTheWarningThatBelongsToMounts) {
  const std::string line = "WARNING: CPU: 1 PID: 9 at fs/filesystems.c:281 get_fs_type+0xe5/0x110";
  EXPECT_TRUE((*make("mount:configfs"))->expects_complaint(line));
  EXPECT_FALSE((*make("socket:kcm"))->expects_complaint(line));
  EXPECT_FALSE((*make("mount:configfs"))
                   ->expects_complaint("WARNING: CPU: 1 PID: 9 at mm/slub.c:1 kfree+0x1/0x2"));
}

}  // namespace
}  // namespace raceless
