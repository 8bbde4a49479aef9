// SPDX-License-Identifier: GPL-2.0
#include "targets/held_files.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>

#include "text_file.h"

namespace raceless {

namespace {

namespace fs = std::filesystem;

bool is_stopped(pid_t pid, const std::string& root) {
  const std::string line = first_line(fmt::format("{}/proc/{}/stat", root, pid));
  const size_t name_end = line.rfind(')');
  return name_end != std::string::npos &&
         (line.substr(name_end).starts_with(") T") || line.substr(name_end).starts_with(") t"));
}

// 0 if there is none.
uint64_t identity_of(const std::string& node) {
  struct stat status {};
  return lstat(node.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

std::optional<HeldFiles::File> HeldFiles::look_at(const std::string& descriptor,
                                                  const std::string& root) {
  struct stat status {};
  if (stat(descriptor.c_str(), &status) != 0) return std::nullopt;
  if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) return std::nullopt;
  const std::string node =
      fmt::format("{}/sys/dev/{}/{}:{}", root, S_ISCHR(status.st_mode) ? "char" : "block",
                  major(status.st_rdev), minor(status.st_rdev));
  const uint64_t identity = identity_of(node);
  if (identity == 0) return std::nullopt;
  std::error_code error;
  return File{descriptor, fs::read_symlink(descriptor, error).string(), status.st_rdev, node,
              identity};
}

HeldFiles HeldFiles::capture(const std::vector<pid_t>& processes, const std::string& root) {
  HeldFiles held;
  for (const pid_t pid : processes) {
    if (!is_stopped(pid, root)) continue;
    std::error_code error;
    for (const fs::directory_entry& entry :
         fs::directory_iterator(fmt::format("{}/proc/{}/fd", root, pid), error)) {
      if (auto file = look_at(entry.path().string(), root)) held.files_.push_back(std::move(*file));
    }
  }
  return held;
}

std::set<std::string> HeldFiles::known_devices(const std::string& root) {
  std::set<std::string> nodes;
  for (const char* kind : {"/sys/dev/char", "/sys/dev/block"}) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(root + kind, error))
      nodes.insert(entry.path().string());
  }
  return nodes;
}

bool HeldFiles::is_new_device(const std::string& descriptor, const std::set<std::string>& known,
                              const std::string& root) {
  const std::optional<File> file = look_at(descriptor, root);
  return file && !known.contains(file->node);
}

std::optional<std::string> HeldFiles::vanished() const {
  for (const File& file : files_) {
    struct stat status {};
    const bool still_open =
        stat(file.descriptor.c_str(), &status) == 0 && status.st_rdev == file.device;
    if (still_open && identity_of(file.node) != file.identity) return file.path;
  }
  return std::nullopt;
}

}  // namespace raceless
