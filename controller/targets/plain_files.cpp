// SPDX-License-Identifier: GPL-2.0
#include "targets/plain_files.h"

#include <unistd.h>

#include <filesystem>

namespace raceless {

namespace fs = std::filesystem;

std::set<std::string> PlainFiles::list() const {
  std::set<std::string> files;
  std::error_code error;
  fs::directory_iterator entry(folder_, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code gone;
    if (fs::is_regular_file(entry->symlink_status(gone))) files.insert(entry->path().string());
  }
  return files;
}

uint64_t PlainFiles::remove_new() const {
  uint64_t removed = 0;
  for (const std::string& file : list())
    if (!kept_.contains(file) && unlink(file.c_str()) == 0) removed++;
  return removed;
}

}  // namespace raceless
