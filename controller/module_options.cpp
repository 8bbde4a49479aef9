// SPDX-License-Identifier: GPL-2.0
#include "module_options.h"

#include <unistd.h>

#include <filesystem>

#include "text_file.h"

namespace raceless {

Result<ModuleOptions> ModuleOptions::set(const std::string& module, const std::string& options,
                                         const std::string& root) {
  if (options.find_first_of("\n\\#") != std::string::npos)
    return fail(EINVAL, "module options are one line without \\ and #, as in 'a=1 b=2'");
  const std::string folder = root + "/run/modprobe.d";
  const std::string path = folder + "/raceless-storm-" + module + ".conf";
  if (options.empty()) {
    // One that was killed may have left its own.
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("cannot remove " + path);
    return ModuleOptions("");
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(error.value(), "cannot create " + folder);
  const Status written = write_text(path, "options " + module + " " + options + "\n");
  if (!written) return tl::unexpected(written.error());
  return ModuleOptions(path);
}

ModuleOptions::~ModuleOptions() {
  if (!path_.empty()) unlink(path_.c_str());
}

}  // namespace raceless
