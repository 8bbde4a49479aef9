// SPDX-License-Identifier: GPL-2.0
#include "sweep.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "sites.h"

namespace raceless {
namespace {

constexpr int kMostSites = 500;

// Slab caches differ by eight bytes at the least; of those that flights use, by more.
constexpr int kSmallest = 16;
constexpr int kMostBytes = 4096;

}  // namespace

Sweep::~Sweep() { count_sites(refusals_.take()); }

int Sweep::run(const std::function<void()>& prepare, const std::function<int()>& ask, int at_last,
               const std::function<void(int)>& verify) const {
  for (int nth = 1; nth <= kMostSites; nth++) {
    prepare();
    failing_.fail_nth(nth);
    const int error = ask();
    const bool failed = failing_.stop();
    verify(error);
    if (!failed) {
      EXPECT_EQ(error, at_last) << "with memory";
      return nth - 1;
    }
    EXPECT_TRUE(error == ENOMEM || error == at_last) << "allocation " << nth << ": " << error;
    if (testing::Test::HasFatalFailure()) return nth;
  }
  ADD_FAILURE() << "it never ends";
  return kMostSites;
}

int Sweep::run_everywhere(Text text, const std::function<void()>& prepare,
                          const std::function<int()>& ask) const {
  int nr_failed = 0;
  for (int bytes = 0; bytes <= kMostBytes; bytes += kSmallest) {
    prepare();
    failing_.fail_once_in(text, bytes);
    const int error = ask();
    const bool failed = failing_.end();
    if (!failed) {
      EXPECT_EQ(error, 0) << "with memory";
      return nr_failed;
    }
    EXPECT_TRUE(error == ENOMEM || error == 0) << "after " << bytes << " bytes: " << error;
    nr_failed += error == ENOMEM;
  }
  ADD_FAILURE() << "it never ends";
  return nr_failed;
}

}  // namespace raceless
