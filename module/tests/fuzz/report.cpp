// SPDX-License-Identifier: GPL-2.0
#include "report.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>

#include "clock.h"

namespace raceless::fuzz {

namespace {

// Each rewrites the kernel's text, which QEMU's emulation of more than one CPU has not always
// survived (docs/testing.md).
constexpr uint32_t kSwitches = 40;

constexpr std::array<const char*, kActions> kNames = {"ioctl",     "open",  "dup",  "close", "read",
                                                      "write",     "lseek", "mmap", "poll",  "pass",
                                                      "interrupt", "fork",  "kill"};

}  // namespace

Report::Report() {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  shared_ = new (memory) Shared{};
}

Report::~Report() { munmap(shared_, sizeof(Shared)); }

void Report::ioctl_ended(Kind kind, int code) {
  const auto index = static_cast<size_t>(code);
  if (index < kErrors) shared_->ioctls[static_cast<size_t>(kind)][index]++;
}

void Report::action_ended(Action action) {
  shared_->calls++;
  shared_->actions[static_cast<size_t>(action)]++;
}

void Report::find(const std::string& what) {
  const uint32_t at = shared_->nr_findings++;
  if (at >= kFindings) return;
  std::array<char, 500>& text = shared_->findings[at];
  std::copy_n(what.data(), std::min(what.size(), text.size() - 1), text.data());
}

void Report::begin(size_t thread) { shared_->begun_ns[thread] = now_ns(); }

void Report::end(size_t thread) { shared_->begun_ns[thread] = 0; }

uint64_t Report::longest_ns() const {
  uint64_t longest = 0;
  for (const auto& begun_ns : shared_->begun_ns) {
    const uint64_t begun = begun_ns, now = now_ns();
    if (begun && begun < now) longest = std::max(longest, now - begun);
  }
  return longest;
}

std::vector<std::string> Report::findings() const {
  std::vector<std::string> all;
  const uint32_t nr = shared_->nr_findings;
  for (size_t i = 0; i < std::min<size_t>(nr, kFindings); i++)
    all.emplace_back(shared_->findings[i].data());
  if (nr > kFindings) all.push_back(fmt::format("and {} more", nr - kFindings));
  return all;
}

std::vector<std::string> Report::lines() const {
  std::vector<std::string> lines;
  for (size_t kind = 0; kind < kKinds; kind++) {
    std::string line;
    uint64_t sum = 0;
    for (size_t code = 0; code < kErrors; code++) {
      const uint64_t times = shared_->ioctls[kind][code];
      sum += times;
      if (times)
        line += fmt::format(", {} {}", times, code ? error_name(static_cast<int>(code)) : "ok");
    }
    if (sum) line.replace(0, 1, ":");
    lines.push_back(fmt::format("{} {}{}", sum, contract(static_cast<Kind>(kind)).name, line));
  }
  std::string others;
  for (size_t action = 1; action < kActions; action++)
    others += fmt::format("{}{} {}", others.empty() ? "" : ", ", shared_->actions[action].load(),
                          kNames[action]);
  lines.push_back(others);
  return lines;
}

void Report::cover(uint64_t addresses, uint64_t sequences) {
  shared_->addresses = addresses;
  shared_->sequences = sequences;
}

bool Report::may_switch() { return shared_->switches++ < kSwitches; }

}  // namespace raceless::fuzz
