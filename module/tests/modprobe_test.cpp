// SPDX-License-Identifier: GPL-2.0
// Flights whose modprobe is missing, no program, slow, killed; or that finds another file than was
// there.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>

#include "module_loader.h"
#include "registry.h"
#include "text_file.h"

namespace raceless {
namespace {

constexpr const char* kPath = "/proc/sys/kernel/modprobe";
constexpr const char* kProgram = "/tmp/modprobe";

// What the kernel runs for a module request, for as long as this lives.
class ModprobePath {
 public:
  explicit ModprobePath(const std::string& path) : before_(first_line(kPath)) {
    EXPECT_TRUE(write_file(kPath, path + "\n"));
  }
  ~ModprobePath() {
    EXPECT_TRUE(write_file(kPath, before_ + "\n"));
    unlink(kProgram);
  }
  ModprobePath(const ModprobePath&) = delete;
  ModprobePath& operator=(const ModprobePath&) = delete;

 private:
  std::string before_;
};

std::string program(const std::string& text, mode_t mode = 0755) {
  std::ofstream(kProgram) << text;
  chmod(kProgram, mode);
  return kProgram;
}

class Modprobe : public Registry {
 protected:
  // With its reason: a flight's error, and nobody waits any more.
  static void expect_flight_to_fail_with(int error) {
    Device device = Device::open().value();
    const GetResult<Got> got = device.get("null", kLong);
    EXPECT_EQ(code(got), error);
    EXPECT_EQ(reason(got), uint32_t{RACELESS_REASON_FLIGHT});
    EXPECT_EQ(column("null", "waiters"), 0U);
  }

  static void expect_flight_to_succeed() {
    EXPECT_EQ(code(Device::open().value().get("null", kLong)), 0);
  }

  void TearDown() override {
    expect_flight_to_succeed();
    Registry::TearDown();
  }
};

TEST_F(Modprobe, IsMissing) {
  const ModprobePath path("/nonexistent/modprobe");
  expect_flight_to_fail_with(ENOENT);
}

TEST_F(Modprobe, IsNotExecutable) {
  const ModprobePath path(program("#!/bin/sh\nexec /sbin/modprobe \"$@\"\n", 0644));
  expect_flight_to_fail_with(EACCES);
}

TEST_F(Modprobe, IsNoProgram) {
  const ModprobePath path(program("no program"));
  expect_flight_to_fail_with(ENOEXEC);
}

TEST_F(Modprobe, Fails) {
  const ModprobePath path(program("#!/bin/sh\nexit 1\n"));
  expect_flight_to_fail_with(ENOENT);
}

TEST_F(Modprobe, IsKilled) {
  const ModprobePath path(program("#!/bin/sh\nkill -KILL $$\n"));
  expect_flight_to_fail_with(ENOENT);
}

// Who has less time than it takes leaves; who has more gets what it brings, all from one run.
TEST_F(Modprobe, IsSlow) {
  const ModprobePath path(program("#!/bin/sh\nsleep 4\nexec /sbin/modprobe \"$@\"\n"));
  calm();
  mark();
  auto gets = start_gets("null", 3);
  EXPECT_EQ(code(open().get("null", 200 * kMillisecond)), ETIMEDOUT);
  for (auto& get : gets) EXPECT_EQ(get.get().code, 0);
  EXPECT_EQ(grown("modprobes"), 1U);
}

// Between the request and the load somebody puts another file in the module's place.
class Replaced {
 public:
  // `command` writes the new file to $file; the old one is $old.
  Replaced(const std::string& file, const std::string& command)
      : file_(file),
        old_(file + ".old"),
        path_(program("#!/bin/sh\nfile=" + file_ + " old=" + old_ +
                      "\n[ -e $old ] || mv $file $old\n" + command +
                      "\nexec /sbin/modprobe \"$@\"\n")) {}
  ~Replaced() { EXPECT_EQ(rename(old_.c_str(), file_.c_str()), 0); }
  Replaced(const Replaced&) = delete;
  Replaced& operator=(const Replaced&) = delete;

 private:
  std::string file_;
  std::string old_;
  ModprobePath path_;
};

std::string module_path(const std::string& name) {
  Result<ModuleLoader> loader = ModuleLoader::create();
  const auto module = loader->find(name);
  return module ? module->path() : "";
}

TEST_F(Modprobe, FindsATruncatedModule) {
  const Replaced replaced(module_path("raceless_sample_null"), "head -c 5000 $old >$file");
  expect_flight_to_fail_with(ENOENT);
}

// What is there when it is loaded counts.
TEST_F(Modprobe, FindsTheNextVersion) {
  {
    const Replaced replaced(module_path("raceless_sample_null"),
                            "cp " + module_path("raceless_sample_null_next") + " $file");
    expect_flight_to_succeed();
  }
  EXPECT_EQ(module_state("raceless_sample_null"), ModuleState::absent);
  EXPECT_TRUE(eventually([] { return delete_module("raceless_sample_null_next") == 0; }));
}

}  // namespace
}  // namespace raceless
