// SPDX-License-Identifier: GPL-2.0
#include "coverage.h"

#include <fcntl.h>
#include <linux/kcov.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

namespace raceless::fuzz {

namespace {

constexpr char kFile[] = "/sys/kernel/debug/kcov";
constexpr size_t kWords = 64 * 1024;

// KCOV subtracts what the kernel's own text was moved by, from modules' addresses too.
constexpr uint64_t kLinkedText = 0xffffffff81000000;

uint64_t offset_of_text() {
  std::ifstream symbols("/proc/kallsyms");
  for (std::string line; std::getline(symbols, line);) {
    uint64_t address = 0;
    char type = 0, name[16] = "";
    if (std::sscanf(line.c_str(), "%" SCNx64 " %c %15s", &address, &type, name) == 3 &&
        std::string(name) == "_text")
      return address - kLinkedText;
  }
  return 0;
}

}  // namespace

Coverage::Coverage(uint64_t begin, uint64_t end)
    : begin_(begin), end_(end), seen_(static_cast<size_t>(end - begin)) {}

bool Coverage::kernel_has_it() { return access(kFile, F_OK) == 0; }

Result<std::unique_ptr<Coverage>> Coverage::open() {
  if (access(kFile, R_OK | W_OK) != 0)
    return fail_errno("no KCOV: cannot open " + std::string(kFile));
  std::ifstream modules("/proc/modules");
  for (std::string line; std::getline(modules, line);) {
    std::istringstream words(line);
    std::string name, references, holders, state, address;
    uint64_t bytes = 0;
    words >> name >> bytes >> references >> holders >> state >> address;
    if (name != "raceless") continue;
    const uint64_t begin = std::stoull(address, nullptr, 16) - offset_of_text();
    return std::unique_ptr<Coverage>(new Coverage(begin, begin + bytes));
  }
  return fail(ENOENT, "raceless is not in /proc/modules");
}

bool Coverage::add(uint64_t address) {
  if (address < begin_ || address >= end_) return false;
  if (seen_[address - begin_].exchange(true, std::memory_order_relaxed)) return false;
  reached_++;
  return true;
}

Result<ThreadCoverage> ThreadCoverage::open() {
  FileDescriptor fd(::open(kFile, O_RDWR | O_CLOEXEC));
  if (!fd) return fail_errno("cannot open " + std::string(kFile));
  if (ioctl(fd.get(), KCOV_INIT_TRACE, kWords) != 0) return fail_errno("KCOV_INIT_TRACE");
  void* area =
      mmap(nullptr, kWords * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (area == MAP_FAILED) return fail_errno("cannot map " + std::string(kFile));
  return ThreadCoverage(std::move(fd), static_cast<uint64_t*>(area));
}

ThreadCoverage::ThreadCoverage(ThreadCoverage&& other) noexcept
    : fd_(std::move(other.fd_)), area_(std::exchange(other.area_, nullptr)) {}

ThreadCoverage::~ThreadCoverage() {
  if (area_) munmap(area_, kWords * sizeof(uint64_t));
}

bool ThreadCoverage::enable() { return ioctl(fd_.get(), KCOV_ENABLE, KCOV_TRACE_PC) == 0; }

void ThreadCoverage::begin() { __atomic_store_n(area_, 0, __ATOMIC_RELAXED); }

bool ThreadCoverage::end(Coverage& coverage) {
  const uint64_t nr = std::min<uint64_t>(__atomic_load_n(area_, __ATOMIC_RELAXED), kWords - 1);
  bool found = false;
  for (uint64_t i = 1; i <= nr; i++) found = coverage.add(area_[i]) || found;
  return found;
}

}  // namespace raceless::fuzz
