// SPDX-License-Identifier: GPL-2.0
// A process whose threads make calls on the device until there were enough, or something is wrong.
#ifndef RACELESS_MODULE_TESTS_FUZZ_FUZZER_H
#define RACELESS_MODULE_TESTS_FUZZ_FUZZER_H

#include <sys/types.h>

#include <memory>
#include <vector>

#include "corpus.h"
#include "coverage.h"
#include "performer.h"
#include "report.h"
#include "settings.h"

namespace raceless::fuzz {

constexpr uid_t kNobody = 65534;

class Fuzzer {
 public:
  // As root, before it becomes `user`.
  Fuzzer(Report& report, uid_t user);

  // Why calls are not guided by what they reach; empty if they are.
  [[nodiscard]] const std::string& unguided() const { return unguided_; }

  // In a process of its own, whose user it changes. Its exit status.
  [[nodiscard]] int run();

 private:
  void run_thread(size_t number);
  void run_sequence(Performer& performer, size_t number, Random& random);
  [[nodiscard]] bool enough() const;

  Report& report_;
  uid_t user_;
  uint64_t deadline_ns_;
  Caller caller_;
  Peers peers_{};
  Corpus corpus_;
  std::unique_ptr<Coverage> coverage_;
  std::vector<ThreadCoverage> thread_coverage_;
  std::string unguided_;
};

// Gives up all of root's rights, for good.
[[nodiscard]] bool become(uid_t user);

}  // namespace raceless::fuzz

#endif
