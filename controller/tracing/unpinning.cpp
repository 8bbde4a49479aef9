// SPDX-License-Identifier: GPL-2.0
#include "unpinning.h"

#include <bpf/bpf.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "../file_descriptor.h"

namespace raceless {

Status unpin(const std::vector<std::string>& paths) {
  std::vector<FileDescriptor> held;
  held.reserve(paths.size());
  for (const std::string& path : paths) held.emplace_back(bpf_obj_get(path.c_str()));
  Status removed;
  for (const std::string& path : paths) {
    if (unlink(path.c_str()) != 0 && errno != ENOENT && removed)
      removed = fail_errno("cannot remove the pin " + path);
  }
  // A pin's own reference goes with its inode, an RCU grace period later, and must not be the last.
  if (!paths.empty()) syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
  return removed;
}

}  // namespace raceless
