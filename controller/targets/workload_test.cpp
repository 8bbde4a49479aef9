// SPDX-License-Identifier: GPL-2.0
#include "targets/workload.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <utility>

#include "clock.h"
#include "targets/eventually.h"
#include "text_file.h"

namespace raceless {
namespace {

WorkloadEnd run(const std::string& command) {
  Result<Workload> workload = Workload::start(command);
  if (!workload || !workload->wait(10 * kNsPerSecond)) return {-1, 0, ""};
  return workload->end();
}

TEST(Workload, KeepsStatusAndOutput) {
  const WorkloadEnd end = run("echo first; echo last >&2; exit 3");
  EXPECT_EQ(end.status, 3);
  EXPECT_EQ(end.signal, 0);
  EXPECT_FALSE(end.ok());
  EXPECT_EQ(end.output, "first\nlast\n");
  EXPECT_EQ(end.describe(), "exit status 3: last");
}

TEST(Workload, SuccessIsSuccess) { EXPECT_TRUE(run("true").ok()); }

TEST(Workload, TellsASignal) {
  const WorkloadEnd end = run("kill -SEGV $$");
  EXPECT_EQ(end.signal, SIGSEGV);
  EXPECT_EQ(end.describe(), "killed by signal 11 (SEGV)");
}

TEST(Workload, TellsASignalOfOneOfItsProcesses) {
  const WorkloadEnd end = run("sh -c 'kill -BUS $$' && true");
  EXPECT_EQ(end.signal, 0);
  EXPECT_EQ(end.fatal_signal(), SIGBUS);
  EXPECT_EQ(run("exit 137").fatal_signal(), 0) << "what `timeout -s KILL` ends with";
}

TEST(Workload, KeepsTheEndOfALongOutput) {
  const WorkloadEnd end = run("yes | head -n 10000; echo the end");
  EXPECT_LE(end.output.size(), 4096U);
  EXPECT_TRUE(end.output.ends_with("the end\n"));
}

TEST(Workload, FreezesAllProcessesAndThawsThem) {
  Result<Workload> workload = Workload::start("sleep 1 & wait; echo done");
  ASSERT_TRUE(workload);
  ASSERT_TRUE(eventually([&] { return workload->processes().size() == 2; }));
  workload->freeze();
  EXPECT_FALSE(workload->wait(1500 * kNsPerMs));
  EXPECT_EQ(workload->processes().size(), 2U);
  for (const pid_t pid : workload->processes()) {
    const std::string line = first_line("/proc/" + std::to_string(pid) + "/stat");
    EXPECT_NE(line.find(") T"), std::string::npos) << line;
  }
  workload->thaw();
  ASSERT_TRUE(workload->wait(10 * kNsPerSecond));
  EXPECT_EQ(workload->end().output, "done\n");
}

TEST(Workload, TakesItsProcessesWithIt) {
  pid_t pid = 0;
  {
    Result<Workload> workload = Workload::start("sleep 100");
    ASSERT_TRUE(workload);
    pid = workload->processes().front();
  }
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

// Of the group, dead ones that nobody has reaped aside.
int alive_in_group(pid_t group) {
  int alive = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string line = first_line(entry.path().string() + "/stat");
    const size_t name_end = line.rfind(") ");
    if (name_end == std::string::npos) continue;
    const std::vector<std::string> words = split_words(line.substr(name_end + 2));
    if (words.size() > 2 && words[2] == std::to_string(group) && words[0] != "Z") alive++;
  }
  return alive;
}

TEST(Workload, IsNotGoneBeforeAllOfItsProcessesAre) {
  for (const bool ends_itself : {true, false}) {
    Result<Workload> workload = Workload::start(
        std::string("for i in 1 2 3; do dd if=/dev/zero bs=256M count=1 | sleep 100 & done; ") +
        (ends_itself ? "sleep 1" : "wait"));
    ASSERT_TRUE(workload);
    const pid_t group = workload->pid();
    ASSERT_EQ(workload->wait(ends_itself ? 10 * kNsPerSecond : kNsPerSecond), ends_itself);
    if (ends_itself)
      EXPECT_TRUE(workload->end().ok());
    else
      const Workload gone = std::move(*workload);
    EXPECT_EQ(alive_in_group(group), 0);
  }
}

TEST(ErrnoIn, FindsTheLastErrorText) {
  EXPECT_EQ(errno_in("cat: can't open '/dev/x': No such device\n"), ENODEV);
  EXPECT_EQ(errno_in("No such file or directory\nthen: Device or resource busy"), EBUSY);
  EXPECT_EQ(errno_in("sh: can't create /dev/x: No such device or address"), ENXIO);
  EXPECT_EQ(errno_in("all is well"), 0);
  EXPECT_EQ(errno_in(""), 0);
}

}  // namespace
}  // namespace raceless
