// SPDX-License-Identifier: GPL-2.0
#include "kernel_memory.h"

#include <sstream>

#include "text_file.h"

namespace raceless {

KernelMemory read_kernel_memory(const std::string& root) {
  KernelMemory memory;
  const Result<std::string> text = read_text(root + "/proc/meminfo");
  if (!text) return memory;
  std::istringstream words(*text);
  std::string key;
  uint64_t kilobytes = 0;
  for (std::string line; std::getline(words, line);) {
    std::istringstream fields(line);
    if (!(fields >> key >> kilobytes)) continue;
    if (key == "Slab:") memory.slab_bytes = kilobytes * 1024;
    if (key == "Percpu:") memory.percpu_bytes = kilobytes * 1024;
  }
  return memory;
}

uint64_t slab_object_bytes(const std::string& cache, const std::string& root) {
  const Result<std::string> text = read_text(root + "/sys/kernel/slab/" + cache + "/slab_size");
  uint64_t bytes = 0;
  if (text) std::istringstream(*text) >> bytes;
  return bytes;
}

}  // namespace raceless
