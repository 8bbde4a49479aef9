// SPDX-License-Identifier: GPL-2.0
#include "holders/mount_points.h"

#include <filesystem>
#include <optional>
#include <set>
#include <system_error>

#include "numbers.h"
#include "text_file.h"

namespace raceless {

namespace {

constexpr unsigned kMinorBits = 20;
constexpr size_t kDeviceWord = 2;
constexpr size_t kPathWord = 4;
constexpr size_t kEscapeLength = 4;  // "\040"

bool is_octal(std::string_view digits) {
  return digits.find_first_not_of("01234567") == std::string_view::npos;
}

std::string unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '\\' && i + kEscapeLength <= text.size() && is_octal(text.substr(i + 1, 3))) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += kEscapeLength - 1;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::optional<uint32_t> to_device(std::string_view word) {
  const size_t colon = word.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto major = to_number(word.substr(0, colon));
  const auto minor = to_number(word.substr(colon + 1));
  if (!major || !minor) return std::nullopt;
  return static_cast<uint32_t>(*major << kMinorBits | *minor);
}

}  // namespace

void MountPoints::add(std::string_view mountinfo, uint32_t pid, bool is_other) {
  for (size_t begin = 0; begin < mountinfo.size();) {
    const size_t end = std::min(mountinfo.find('\n', begin), mountinfo.size());
    const std::vector<std::string> words = split_words(mountinfo.substr(begin, end - begin));
    begin = end + 1;
    if (words.size() <= kPathWord) continue;
    if (const auto device = to_device(words[kDeviceWord]))
      by_device_[*device].push_back({unescape(words[kPathWord]), pid, is_other});
  }
}

MountPoints MountPoints::read(const std::string& root) {
  namespace fs = std::filesystem;
  MountPoints points;
  std::error_code ignored;  // processes go while we look
  const fs::path own = fs::read_symlink(root + "/proc/self/ns/mnt", ignored);
  std::set<fs::path> seen;
  for (const fs::directory_entry& entry : fs::directory_iterator(root + "/proc", ignored)) {
    const auto pid = to_number(entry.path().filename().native());
    if (!pid) continue;
    const fs::path space = fs::read_symlink(entry.path() / "ns/mnt", ignored);
    if (space.empty() || seen.contains(space)) continue;
    const Result<std::string> text = read_text(entry.path() / "mountinfo");
    if (!text) continue;
    seen.insert(space);
    points.add(*text, static_cast<uint32_t>(*pid), space != own);
  }
  return points;
}

const std::vector<MountPoint>& MountPoints::of(uint32_t device) const {
  static const std::vector<MountPoint> none;
  const auto found = by_device_.find(device);
  return found == by_device_.end() ? none : found->second;
}

}  // namespace raceless
