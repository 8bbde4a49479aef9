// SPDX-License-Identifier: GPL-2.0
#include "targets/romfs_image.h"

#include <cstdint>

namespace raceless {

namespace {

constexpr size_t kImageBytes = 4096;       // whole pages, for the block device
constexpr size_t kChecksummedBytes = 512;  // of the volume; of a file, its header
constexpr size_t kVolumeHeader = 32;       // magic, size, checksum, name
constexpr size_t kFileHeader = 32;         // next, info, size, checksum, name
constexpr uint32_t kHardLink = 0;
constexpr uint32_t kExecutableFolder = 8 | 1;

void put_be32(std::string& image, size_t offset, uint32_t value) {
  for (size_t i = 0; i < 4; i++)
    image[offset + i] = static_cast<char>(value >> (8 * (3 - i)) & 0xff);
}

uint32_t sum_be32(const std::string& image, size_t offset, size_t bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes; i++)
    sum += static_cast<uint32_t>(static_cast<unsigned char>(image[offset + i]))
           << (8 * (3 - i % 4));
  return sum;
}

// The words from `offset` on, of which one is the checksum, add up to 0.
void put_checksum(std::string& image, size_t offset, size_t bytes, size_t checksum_offset) {
  put_be32(image, checksum_offset, 0);
  put_be32(image, checksum_offset, 0U - sum_be32(image, offset, bytes));
}

void put_file(std::string& image, size_t offset, uint32_t next_and_type, const std::string& name) {
  put_be32(image, offset, next_and_type);
  put_be32(image, offset + 4, kVolumeHeader);  // both entries lead to the root folder
  image.replace(offset + 16, name.size(), name);
  put_checksum(image, offset, kFileHeader, offset + 12);
}

}  // namespace

std::string romfs_image() {
  std::string image(kImageBytes, '\0');
  image.replace(0, 8, "-rom1fs-");
  put_be32(image, 8, kVolumeHeader + 2 * kFileHeader);
  image.replace(16, 8, "raceless");
  const uint32_t parent = kVolumeHeader + kFileHeader;
  put_file(image, kVolumeHeader, parent | kExecutableFolder, ".");
  put_file(image, parent, kHardLink, "..");
  put_checksum(image, 0, kChecksummedBytes, 12);
  return image;
}

}  // namespace raceless
