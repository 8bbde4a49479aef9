// SPDX-License-Identifier: GPL-2.0
// The files of a guest before they become an archive.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "../../controller/result.h"

namespace raceless::vm {

class Tree {
 public:
  // Guest paths are absolute; /bin, /sbin, /lib and /lib64 mean their place under /usr. Folders on
  // the way are made. A later entry of the same path wins.
  void add_folder(const std::string& path, mode_t mode = 0755);
  void add_text(const std::string& path, std::string text, mode_t mode = 0644);
  void add_link(const std::string& path, const std::string& target);
  void add_device(const std::string& path, unsigned major, unsigned minor);
  // A host file with its mode; a folder with all that is in it.
  [[nodiscard]] Status add_file(const std::string& path, const std::filesystem::path& source);
  // A program and the shared libraries that ldd names.
  [[nodiscard]] Status add_program(const std::string& path, const std::filesystem::path& source);

  // The host files in it: what an archive of it depends on.
  [[nodiscard]] std::vector<std::filesystem::path> sources() const;
  [[nodiscard]] Status write(const std::filesystem::path& archive) const;

 private:
  enum class Kind { Folder, Text, Link, Device, File };
  struct Entry {
    Kind kind;
    mode_t mode;
    std::string text;  // contents, or target, or host path
    unsigned major = 0;
    unsigned minor = 0;
  };
  void insert(const std::string& path, Entry entry);

  std::map<std::string, Entry> entries_;  // sorted, so parents come before children
};

}  // namespace raceless::vm
