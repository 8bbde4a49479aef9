// SPDX-License-Identifier: GPL-2.0
#include "qemu.h"

#include <fmt/format.h>

#include <cstdlib>

#include "process.h"

namespace raceless::vm {

Status choose_qemu(const std::filesystem::path& source) {
  auto finished = run_program({(source / "vm/qemu").string()});
  if (!finished) return tl::unexpected(finished.error());
  const std::string folder = finished->out.substr(0, finished->out.find('\n'));
  if (finished->status != 0 || folder.empty())
    return fail(0, fmt::format("no QEMU: vm/qemu failed (exit {})", finished->status));
  const char* path = std::getenv("PATH");
  setenv("PATH", (path ? folder + ":" + path : folder).c_str(), 1);
  return {};
}

Result<std::string> qemu_version() {
  auto finished = run_program({qemu, "--version"});
  if (!finished) return fail(0, fmt::format("needs {}; install qemu-system-x86", qemu));
  return finished->out.substr(0, finished->out.find('\n'));
}

}  // namespace raceless::vm
