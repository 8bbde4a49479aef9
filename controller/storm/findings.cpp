// SPDX-License-Identifier: GPL-2.0
#include "storm/findings.h"

#include <fmt/format.h>

#include "clock.h"
#include "device.h"
#include "terminal.h"

namespace raceless {

namespace {

constexpr size_t kKept = 100;
constexpr size_t kPrinted = 10;

}  // namespace

void Findings::report(Finding finding) {
  const uint64_t now = now_ns();
  const std::lock_guard lock(mutex_);
  finding.when_ns = now > start_ns_ ? now - start_ns_ : 0;
  count_++;
  if (count_ <= kPrinted) {
    // The line break ends a progress line that may be there.
    tell(fmt::format("\nraceless: broken promise {} ({}): {} [{:.3f} s, {}, instance {}]\n",
                     finding.promise, promise_name(finding.promise), finding.what,
                     static_cast<double>(finding.when_ns) / 1e9, finding.thread, finding.instance));
  }
  if (list_.size() < kKept) list_.push_back(std::move(finding));
}

uint64_t Findings::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

std::vector<Finding> Findings::list() const {
  const std::lock_guard lock(mutex_);
  return list_;
}

}  // namespace raceless
