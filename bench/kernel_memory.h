// SPDX-License-Identifier: GPL-2.0
// What the kernel has allocated, as it says itself.
#ifndef RACELESS_BENCH_KERNEL_MEMORY_H
#define RACELESS_BENCH_KERNEL_MEMORY_H

#include <cstdint>
#include <string>

namespace raceless {

struct KernelMemory {
  uint64_t slab_bytes = 0;    // whole slabs, with what is free in them
  uint64_t percpu_bytes = 0;  // of all CPUs together
};

// From /proc/meminfo; 0 for what is not in it.
[[nodiscard]] KernelMemory read_kernel_memory(const std::string& root = "");

// What an object takes in its slab, with padding; 0 if there is no such cache.
[[nodiscard]] uint64_t slab_object_bytes(const std::string& cache, const std::string& root = "");

}  // namespace raceless

#endif
