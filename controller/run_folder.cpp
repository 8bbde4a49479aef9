// SPDX-License-Identifier: GPL-2.0
#include "run_folder.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace raceless {

namespace {

std::string harness_folder() {
  const char* results = std::getenv("RACELESS_RESULTS");
  return results == nullptr ? "" : results;
}

}  // namespace

bool is_harness_folder(const std::string& folder) {
  return !folder.empty() && folder == harness_folder();
}

std::string default_run_folder(const Context& context) {
  const std::string results = harness_folder();
  return results.empty() ? "runs/" + context.started : results;
}

Status make_run_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(error.value(), "cannot create " + folder);
  if (access(folder.c_str(), W_OK) != 0) return fail_errno("cannot write to " + folder);
  return {};
}

}  // namespace raceless
