// SPDX-License-Identifier: GPL-2.0
#include "text_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "file_descriptor.h"

namespace raceless {
namespace {

namespace fs = std::filesystem;

class TextFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "text-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string folder_;
};

TEST_F(TextFile, IsReplacedAsAWhole) {
  const std::string path = folder_ + "/a";
  ASSERT_TRUE(write_text(path, "one\ntwo\n"));
  ASSERT_TRUE(write_text(path, "three\n"));
  EXPECT_EQ(*read_text(path), "three\n");
  EXPECT_FALSE(fs::exists(path + ".tmp"));
  EXPECT_FALSE(write_text(folder_ + "/nowhere/a", "text"));
}

TEST_F(TextFile, BehindASymbolicLinkIsWrittenAndTheLinkStays) {
  const std::string path = folder_ + "/page", link = folder_ + "/link";
  ASSERT_TRUE(write_text(path, "old"));
  fs::create_symlink("page", link);
  ASSERT_TRUE(write_text(link, "new"));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(*read_text(path), "new");
}

TEST_F(TextFile, AFileThatIsNoneIsWrittenTo) {
  const std::string fifo = folder_ + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const FileDescriptor reader(open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(write_text(fifo, "text"));
  EXPECT_TRUE(fs::is_fifo(fifo));
  char text[8] = "";
  EXPECT_EQ(read(reader.get(), text, sizeof(text)), 4);
  EXPECT_TRUE(write_text("/dev/null", "text"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace raceless
