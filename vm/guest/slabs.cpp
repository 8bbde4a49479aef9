// SPDX-License-Identifier: GPL-2.0
#include "slabs.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace raceless::guest {

void validate_slabs() {
  DIR* caches = opendir("/sys/kernel/slab");
  if (!caches) return;
  while (const dirent* cache = readdir(caches)) {
    int folder = openat(dirfd(caches), cache->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) continue;
    int fd = openat(folder, "validate", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) (void)!write(fd, "1", 1);
    close(fd);
    close(folder);
  }
  closedir(caches);
}

}  // namespace raceless::guest
