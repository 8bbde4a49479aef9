// SPDX-License-Identifier: GPL-2.0
#include "kernel_log.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "text_file.h"

namespace raceless {

namespace {

constexpr std::array<std::string_view, 34> kComplaints = {
    "WARNING: ",
    "BUG: ",
    "kernel BUG at ",
    "Oops: ",
    "general protection fault",
    "stack segment: ",
    "double fault: ",
    "invalid opcode: ",
    "Kernel panic",
    "detected stalls on ",
    "detected expedited stalls on ",
    "self-detected stall on CPU",
    "blocked for more than",
    "Object already free",
    "unregister_netdevice: waiting for",
    "sysfs: cannot create duplicate filename",
    "Slab cache still has objects",
    "UBSAN: ",
    "INFO: trying to register non-static key",
    "INFO: possible ",
    "VFS: Busy inodes after unmount",
    "refcount_t: ",
    "divide error: ",
    "int3: ",
    "stack guard page was hit",
    "detected hard LOCKUP",
    "kthread starved for",
    "list_add corruption",
    "list_del corruption",
    "ODEBUG: ",
    "DEBUG_LOCKS_WARN_ON",
    "new suspected memory leaks",
    "kobject_add_internal failed",
    "stack-protector: ",
};

struct TaintBit {
  unsigned bit;
  const char* meaning;
};

constexpr std::array<TaintBit, 4> kTaintBits = {
    {{5, "B (bad page)"}, {7, "D (died)"}, {9, "W (warned)"}, {14, "L (soft lockup)"}}};

}  // namespace

bool is_complaint(std::string_view line) {
  // KCSAN tells of races of the kernel's own, too; a module is named behind its function.
  if (line.find("BUG: KCSAN: ") != std::string_view::npos && line.find(" [") == line.npos)
    return false;
  // SLUB: "BUG kmalloc-64 (Tainted: G    B): Poison overwritten".
  if (line.starts_with("BUG ") && line.find("ainted") != line.npos) return true;
  return std::ranges::any_of(kComplaints, [line](std::string_view pattern) {
    return line.find(pattern) != std::string_view::npos;
  });
}

std::string_view kmsg_text(std::string_view record) {
  const size_t start = record.find(';');
  if (start == std::string_view::npos) return "";
  record.remove_prefix(start + 1);
  return record.substr(0, record.find('\n'));
}

uint64_t complaint_bits(uint64_t taint) {
  uint64_t mask = 0;
  for (const TaintBit& bit : kTaintBits) mask |= uint64_t{1} << bit.bit;
  return taint & mask;
}

std::string describe_taint(uint64_t taint) {
  std::string text;
  for (const TaintBit& bit : kTaintBits) {
    if ((taint >> bit.bit & 1) == 0) continue;
    if (!text.empty()) text += ", ";
    text += bit.meaning;
  }
  return text;
}

Result<uint64_t> read_taint(const std::string& root) {
  const Result<std::string> text = read_text(root + "/proc/sys/kernel/tainted");
  if (!text) return tl::unexpected(text.error());
  return std::strtoull(text->c_str(), nullptr, 10);
}

Result<KernelLog> KernelLog::open() {
  FileDescriptor fd(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return fail_errno("cannot open /dev/kmsg");
  if (lseek(fd.get(), 0, SEEK_END) < 0) return fail_errno("cannot seek in /dev/kmsg");
  return KernelLog(std::move(fd));
}

std::vector<std::string> KernelLog::read_new() {
  std::vector<std::string> lines;
  std::array<char, 8192> record;
  while (true) {
    const ssize_t bytes = read(fd_.get(), record.data(), record.size());
    // The first ones are gone: how many, their numbers tell, unless none was read yet.
    if (bytes < 0 && errno == EPIPE && next_sequence_ == 0) lost_++;
    if (bytes < 0 && (errno == EPIPE || errno == EINTR)) continue;
    if (bytes <= 0) return lines;
    const std::string_view text(record.data(), static_cast<size_t>(bytes));
    const size_t comma = text.find(',');
    const uint64_t sequence =
        comma == std::string_view::npos ? 0 : std::strtoull(text.data() + comma + 1, nullptr, 10);
    if (next_sequence_ != 0 && sequence > next_sequence_) lost_ += sequence - next_sequence_;
    next_sequence_ = sequence + 1;
    lines.emplace_back(kmsg_text(text));
  }
}

}  // namespace raceless
