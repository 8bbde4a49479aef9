// SPDX-License-Identifier: GPL-2.0
#include "targets/romfs_image.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace raceless {
namespace {

uint32_t be32(const std::string& image, size_t offset) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; i++) value = value << 8 | static_cast<unsigned char>(image[offset + i]);
  return value;
}

uint32_t sum(const std::string& image, size_t offset, size_t bytes) {
  uint32_t total = 0;
  for (size_t i = 0; i < bytes; i += 4) total += be32(image, offset + i);
  return total;
}

TEST(RomfsImage, HasTheMagicAndWholePages) {
  const std::string image = romfs_image();
  EXPECT_EQ(image.substr(0, 8), "-rom1fs-");
  EXPECT_EQ(image.size() % 4096, 0U);
  EXPECT_LE(be32(image, 8), image.size());
}

TEST(RomfsImage, ChecksumsAddUpToZero) {
  const std::string image = romfs_image();
  EXPECT_EQ(sum(image, 0, 512), 0U);
  EXPECT_EQ(sum(image, 32, 32), 0U);
  EXPECT_EQ(sum(image, 64, 32), 0U);
}

TEST(RomfsImage, TheRootIsAFolderThatHoldsItself) {
  const std::string image = romfs_image();
  EXPECT_EQ(be32(image, 32) & 7, 1U);       // a folder
  EXPECT_EQ(be32(image, 32) & ~0xfU, 64U);  // the next entry
  EXPECT_EQ(be32(image, 36), 32U);          // its first entry
  EXPECT_EQ(std::string(&image[32 + 16]), ".");
  EXPECT_EQ(be32(image, 64) & ~0xfU, 0U);  // the last entry
  EXPECT_EQ(std::string(&image[64 + 16]), "..");
}

}  // namespace
}  // namespace raceless
