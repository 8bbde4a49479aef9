// SPDX-License-Identifier: GPL-2.0
#include "targets/plain_files.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "text_file.h"

namespace raceless {
namespace {

namespace fs = std::filesystem;

TEST(PlainFiles, RemovesOnlyPlainFilesThatAreNew) {
  std::string folder = testing::TempDir() + "dev-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  ASSERT_TRUE(write_text(folder + "/old", "x"));
  const PlainFiles files(folder);
  EXPECT_EQ(files.remove_new(), 0U);
  ASSERT_TRUE(write_text(folder + "/mydev", "x"));
  fs::create_symlink("/dev/null", folder + "/link");
  fs::create_directory(folder + "/folder");
  EXPECT_EQ(files.remove_new(), 1U);
  EXPECT_FALSE(fs::exists(folder + "/mydev"));
  for (const char* name : {"/old", "/link", "/folder"}) EXPECT_TRUE(fs::exists(folder + name));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace raceless
