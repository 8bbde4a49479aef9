// SPDX-License-Identifier: GPL-2.0
#include "module_options.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "text_file.h"

namespace raceless {
namespace {

TEST(ModuleOptions, IsThereForAsLongAsTheObject) {
  std::string root = testing::TempDir() + "options-XXXXXX";
  ASSERT_NE(mkdtemp(root.data()), nullptr);
  const std::string path = root + "/run/modprobe.d/raceless-storm-raceless_sample_chaos.conf";
  {
    const Result<ModuleOptions> options =
        ModuleOptions::set("raceless_sample_chaos", "fail_every=3 init_ms=5", root);
    ASSERT_TRUE(options) << options.error().message();
    EXPECT_EQ(first_line(path), "options raceless_sample_chaos fail_every=3 init_ms=5");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(write_text(path, "options raceless_sample_chaos fail_every=1\n"));
  EXPECT_TRUE(ModuleOptions::set("raceless_sample_chaos", "", root));
  EXPECT_FALSE(std::filesystem::exists(path)) << "what another one has left";
  EXPECT_TRUE(ModuleOptions::set("raceless_sample_chaos", "", root + "/nowhere"));
  std::filesystem::remove_all(root);
}

TEST(ModuleOptions, IsOneLine) {
  EXPECT_FALSE(ModuleOptions::set("chaos", "a=1\ninstall chaos /bin/false", "/nonexistent"));
}

}  // namespace
}  // namespace raceless
