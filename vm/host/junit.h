// SPDX-License-Identifier: GPL-2.0
// Test results in the XML that CI systems read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "../../controller/result.h"

namespace raceless::vm {

struct TestResult {
  std::string group;  // a kernel, or "host"
  std::string name;
  bool passed = false;
  double seconds = 0;
  std::string message;                        // why it failed
  std::vector<std::string> diagnostics = {};  // what it said then
};

[[nodiscard]] std::string junit_xml(const std::vector<TestResult>& results);
[[nodiscard]] Status write_junit(const std::filesystem::path& file,
                                 const std::vector<TestResult>& results);

}  // namespace raceless::vm
