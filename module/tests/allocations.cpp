// SPDX-License-Identifier: GPL-2.0
#include "allocations.h"

#include <filesystem>
#include <sstream>

#include "leaks/shrinking.h"
#include "text_file.h"

namespace raceless {
namespace {

namespace fs = std::filesystem;

constexpr char kSlabs[] = "/sys/kernel/debug/slab";

}  // namespace

bool allocations_are_recorded() { return fs::exists(fs::path(kSlabs) / "kmalloc-64/alloc_traces"); }

std::string allocations() {
  shrink_slab_caches();  // KASAN keeps freed objects for a while
  std::string found;
  for (const auto& cache : fs::directory_iterator(kSlabs)) {
    const std::string name = cache.path().filename().string();
    if (!name.starts_with("kmalloc") && !name.starts_with("raceless")) continue;
    const Result<std::string> traces = read_text(cache.path() / "alloc_traces");
    if (!traces) continue;
    std::istringstream lines(*traces);
    // The first line of each trace begins with a count and names the caller.
    for (std::string line; std::getline(lines, line);)
      if (line.find("[raceless]") != std::string::npos && line.find(" age=") != std::string::npos)
        found.append(name).append(":").append(line).append("\n");
  }
  return found;
}

}  // namespace raceless
