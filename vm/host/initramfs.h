// SPDX-License-Identifier: GPL-2.0
// The guest's file system: a base that many cases share, kept in the cache, and behind it in the
// same file a small archive of the one case. The kernel unpacks both, the second over the first.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "kernel.h"

namespace raceless::vm {

// Where the parts of the project are.
struct Project {
  std::filesystem::path source;    // the tree
  std::filesystem::path binaries;  // build/cmake/bin
  std::filesystem::path cache;     // ~/.cache/raceless

  [[nodiscard]] std::filesystem::path built_modules(const std::string& release) const {
    return source / "build/module" / release;
  }
};

struct GuestFiles {
  std::vector<std::string> modules;   // of the kernel's tree
  bool kmod = false;                  // the real modprobe and its relatives
  bool raceless = false;              // the project's modules; brings kmod
  bool command = false;               // the project's command
  std::vector<std::string> programs;  // host programs, with their libraries
  // host path and guest path; an empty guest path means the file's name in /root
  std::vector<std::pair<std::filesystem::path, std::string>> files;

  std::vector<std::string> argv;
  std::vector<std::string> env;
  std::string options;  // fields for init
};

// Writes the initramfs of a case.
[[nodiscard]] Status make_initramfs(const Project& project, const Kernel& kernel,
                                    const GuestFiles& files, const std::filesystem::path& target);

}  // namespace raceless::vm
