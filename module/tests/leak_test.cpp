// SPDX-License-Identifier: GPL-2.0
// Kernel memory that the registry allocated and did not free, by the allocator's own record
// (slub_debug=U on the kernel's command line).
#include <cerrno>
#include <filesystem>
#include <sstream>

#include "child.h"
#include "module_loader.h"
#include "registry.h"
#include "text_file.h"

namespace raceless {
namespace {

namespace fs = std::filesystem;

constexpr char kSlabs[] = "/sys/kernel/debug/slab";

// The allocations of raceless.ko that are still there: one line for each place in its code.
std::string allocations() {
  std::string found;
  for (const auto& cache : fs::directory_iterator(kSlabs)) {
    if (!cache.path().filename().string().starts_with("kmalloc")) continue;
    const Result<std::string> traces = read_text(cache.path() / "alloc_traces");
    if (!traces) continue;
    std::istringstream lines(*traces);
    // The first line of each trace begins with a count and names the caller.
    for (std::string line; std::getline(lines, line);)
      if (line.find("[raceless]") != std::string::npos && line.find(" age=") != std::string::npos)
        found += cache.path().filename().string() + ":" + line + "\n";
  }
  return found;
}

class Leak : public Registry {
 protected:
  static void wait_and_be_killed() {
    Child getter([] { return code(Device::open().value().get("null", kLong)); });
    ASSERT_TRUE(eventually([] { return column("null", "waiters") == 1; }));
    getter.kill();
  }
};

TEST_F(Leak, TheRecordWorks) {
  if (!fs::exists(fs::path(kSlabs) / "kmalloc-64/alloc_traces")) GTEST_SKIP();
  Device device = open();
  ASSERT_EQ(code(device.get("null", kLong)), 0);
  EXPECT_NE(allocations(), "") << "a descriptor, a user, a slot and a reference are there now";
}

// Whatever a get, an unload or a hold can end with, many times: nothing stays.
TEST_F(Leak, NothingAfterManyEndings) {
  if (!fs::exists(fs::path(kSlabs) / "kmalloc-64/alloc_traces")) GTEST_SKIP();
  ModprobeLine options("options raceless_sample_chaos fail_every=1");
  for (int i = 0; i < 5; i++) {
    {
      Absence absence("null");
      wait_and_be_killed();
      Device device = open();
      EXPECT_EQ(code(device.get("null", kMillisecond)), ETIMEDOUT);
      EXPECT_EQ(code(device.get("missing" + std::to_string(i), kLong)), ENOENT);
      EXPECT_EQ(code(device.get("chaos", kLong)), EIO);
      EXPECT_EQ(code(device.get("Bad", kLong)), EINVAL);
      EXPECT_EQ(code(device.unload("missing", kLong)), ENOENT);
    }
    Device device = open();
    const GetResult<Got> got = device.get("null", kLong);
    ASSERT_EQ(code(got), 0);
    EXPECT_EQ(code(device.unload("null", kLong)), EDEADLK);
    EXPECT_EQ(code(open().unload("null", kMillisecond)), ETIMEDOUT);
    ASSERT_EQ(code(device.put(got->ref)), 0);
    ASSERT_EQ(code(device.get("null", kLong)), 0);
  }
  ASSERT_TRUE(eventually([] { return delete_module("raceless_sample_null") == 0; }));
  EXPECT_TRUE(eventually([] { return allocations().empty(); })) << allocations();
}

}  // namespace
}  // namespace raceless
