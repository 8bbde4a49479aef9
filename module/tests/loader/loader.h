// SPDX-License-Identifier: GPL-2.0
// What the tests of the kernel's own module loader share: one module (raceless_gated.c), that takes
// as long as one likes to come and to go, and loads of it in processes of their own. No gate.
#ifndef RACELESS_MODULE_TESTS_LOADER_LOADER_H
#define RACELESS_MODULE_TESTS_LOADER_LOADER_H

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "../child.h"
#include "../gate/gated.h"

namespace raceless {

// The system calls themselves: libkmod looks at sysfs first. 0 or an errno.
class GatedFile {
 public:
  GatedFile();

  // finit_module(2), whose callers share the outcome of one load.
  [[nodiscard]] int load(const std::string& options = "") const;
  // init_module(2), where each is on its own.
  [[nodiscard]] int load_image(const std::string& options = "") const;

 private:
  std::string path_;
  std::string image_;
};

// An errno as an exit status; kNoErrno is one that no user should ever see.
constexpr int kNoErrno = 255;
[[nodiscard]] int as_status(int error);

class Loader : public testing::Test {
 protected:
  void TearDown() override;

  // A load in a process of its own, which waits when this returns, or has ended.
  [[nodiscard]] static std::unique_ptr<Child> start(const std::function<int()>& load);

  // 64 loads at once of a module whose init fails with EIO after a second; milliseconds they took.
  [[nodiscard]] static int64_t fail_together(const std::function<int()>& load);

  const GatedFile file_;
};

}  // namespace raceless

#endif
