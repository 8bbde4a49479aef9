// SPDX-License-Identifier: GPL-2.0
// All cases on all kernels, each in a guest of its own, some of them side by side.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "case_file.h"
#include "initramfs.h"

namespace raceless::vm {

struct SuiteSpec {
  std::vector<std::string> kernels = {"6.1", "6.12"};
  std::string only;              // a pattern of case names; empty: all, and the host's unit tests
  unsigned jobs = 0;             // 0: one for each CPU of the host
  std::filesystem::path folder;  // gets a folder for each case, and junit.xml
};

// Prints a line of KTAP on stdout for each case as it ends, at last "N passed, N failed". Returns
// whether all passed.
[[nodiscard]] Result<bool> run_suite(const Project& project, const SuiteSpec& spec);

}  // namespace raceless::vm
