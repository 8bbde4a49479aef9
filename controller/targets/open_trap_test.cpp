// SPDX-License-Identifier: GPL-2.0
#include "targets/open_trap.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "clock.h"
#include "targets/workload.h"
#include "text_file.h"

namespace raceless {
namespace {

bool is_zero_device(const std::string& descriptor) {
  std::error_code error;
  return std::filesystem::read_symlink(descriptor, error) == "/dev/zero";
}

bool never() { return false; }

TEST(OpenTrap, StopsAGrandchildThatHasTheDeviceOpen) {
  // The pause lets the trap be set before anything is opened.
  Result<Workload> workload =
      Workload::start("sleep 2; (head -c 1 /dev/zero | od -An -tx1); echo end");
  ASSERT_TRUE(workload);
  Result<OpenTrap> trap = OpenTrap::set(workload->pid());
  ASSERT_TRUE(trap) << trap.error().message();
  const pid_t holder = trap->run(is_zero_device, never);
  ASSERT_NE(holder, 0);
  EXPECT_NE(holder, workload->pid());
  const std::string line = first_line("/proc/" + std::to_string(holder) + "/stat");
  EXPECT_NE(line.find(") t"), std::string::npos) << line;
  EXPECT_FALSE(workload->wait(100 * kNsPerMs));
  trap->release();
  ASSERT_TRUE(workload->wait(10 * kNsPerSecond));
  const WorkloadEnd end = workload->end();
  EXPECT_TRUE(end.ok()) << end.describe();
  EXPECT_EQ(end.output, " 00\nend\n");
}

TEST(OpenTrap, AWorkloadThatOpensNothingEndsAsItWould) {
  Result<Workload> workload = Workload::start("sleep 2; exit 3");
  ASSERT_TRUE(workload);
  {
    Result<OpenTrap> trap = OpenTrap::set(workload->pid());
    ASSERT_TRUE(trap);
    EXPECT_EQ(trap->run(is_zero_device, never), 0);
  }
  ASSERT_TRUE(workload->wait(10 * kNsPerSecond));
  EXPECT_EQ(workload->end().status, 3);
}

TEST(OpenTrap, CanBeCancelledWhileTheWorkloadRuns) {
  Result<Workload> workload = Workload::start("sleep 1; sleep 1; echo end");
  ASSERT_TRUE(workload);
  const uint64_t until_ns = now_ns() + 100 * kNsPerMs;
  {
    Result<OpenTrap> trap = OpenTrap::set(workload->pid());
    ASSERT_TRUE(trap);
    EXPECT_EQ(trap->run(is_zero_device, [until_ns] { return now_ns() > until_ns; }), 0);
  }
  ASSERT_TRUE(workload->wait(10 * kNsPerSecond));
  EXPECT_EQ(workload->end().output, "end\n");
}

// Between a fork and the child's first stop, in a vfork (which dash does for a command), at an
// exit.
TEST(OpenTrap, CanBeReleasedAtAnyMoment) {
  alarm(120);  // a release that waits for ever is what this looks for
  for (int moment = 0; moment < 200; moment++) {
    Result<Workload> workload = Workload::start("/bin/true; (/bin/true; /bin/true); echo end");
    ASSERT_TRUE(workload);
    {
      Result<OpenTrap> trap = OpenTrap::set(workload->pid());
      if (!trap) continue;  // it has ended already
      int left = moment;
      (void)trap->run(is_zero_device, [&left] { return left-- == 0; });
    }
    ASSERT_TRUE(workload->wait(10 * kNsPerSecond)) << moment << ": " << workload->kernel_stacks();
    ASSERT_EQ(workload->end().output, "end\n") << moment;
  }
  alarm(0);
}

}  // namespace
}  // namespace raceless
