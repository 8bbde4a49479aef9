// SPDX-License-Identifier: GPL-2.0
#include "leaks/shrinking.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "file_descriptor.h"

namespace raceless {

void shrink_slab_caches() {
  std::error_code error;
  for (const auto& cache : std::filesystem::directory_iterator("/sys/kernel/slab", error)) {
    if (cache.is_symlink(error)) continue;
    const FileDescriptor shrink(open((cache.path() / "shrink").c_str(), O_WRONLY | O_CLOEXEC));
    if (shrink) (void)!write(shrink.get(), "1", 1);
  }
}

}  // namespace raceless
