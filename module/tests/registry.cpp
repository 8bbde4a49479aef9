// SPDX-License-Identifier: GPL-2.0
#include "registry.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <thread>

#include "module_loader.h"
#include "text_file.h"

namespace raceless {

namespace {

constexpr char kOptions[] = "/etc/modprobe.d/registry-test.conf";

// Those that may hold others come first.
constexpr const char* kProviders[] = {"raceless_sample_chaos", "raceless_probe",
                                      "raceless_sample_codec", "raceless_sample_null"};

StateFile state() {
  Result<StateFile> file = StateFile::read();
  if (!file) throw std::runtime_error(file.error().message());
  return std::move(*file);
}

bool unloaded(const std::string& module) {
  return eventually([&] { return delete_module(module) == ENOENT; });
}

}  // namespace

bool eventually(const std::function<bool()>& condition, std::chrono::seconds longest) {
  const auto deadline = std::chrono::steady_clock::now() + longest;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

int modprobe(const std::string& name) {
  std::string program = "modprobe", quiet = "-q", argument = name;
  char* argv[] = {program.data(), quiet.data(), argument.data(), nullptr};
  pid_t pid;
  if (posix_spawn(&pid, "/sbin/modprobe", nullptr, nullptr, argv, environ) != 0) return -1;
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

uint64_t column(const std::string& name, const std::string& key) {
  const StateFile file = state();
  const SlotState* slot = file.find(name);
  return slot ? slot->number(key) : 0;
}

std::string state_of(const std::string& name) {
  const StateFile file = state();
  const SlotState* slot = file.find(name);
  return slot ? slot->text("state") : "";
}

uint64_t total(const std::string& key) {
  const std::optional<uint64_t> value = state().total(key);
  if (!value) throw std::runtime_error("/proc/raceless has no total " + key);
  return *value;
}

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  return !file.fail();
}

bool in_uninterruptible_sleep(pid_t thread) {
  const std::string line = first_line("/proc/self/task/" + std::to_string(thread) + "/stat");
  const size_t name_end = line.rfind(')');
  return name_end != std::string::npos && line.substr(name_end).starts_with(") D");
}

ModprobeLine::ModprobeLine(const std::string& line) {
  EXPECT_TRUE(write_file(kOptions, line + "\n"));
}

ModprobeLine::~ModprobeLine() { unlink(kOptions); }

void Registry::SetUp() {
  ASSERT_EQ(modprobe("raceless"), 0);
  mark();
}

void Registry::TearDown() {
  unlink(kOptions);
  for (const char* module : kProviders) EXPECT_TRUE(unloaded(module)) << module;
  const auto idle = [] {
    const StateFile file = state();
    return file.slots().empty() && file.total("gets") == file.total("puts") &&
           file.total("descriptors_opened") == file.total("descriptors_closed");
  };
  EXPECT_TRUE(eventually(idle)) << "slots, references or descriptors are left";
  const StateFile last = state();
  for (const auto& [key, value] : last.totals()) {
    if (key.starts_with("broken_")) {
      EXPECT_EQ(value, 0U) << key;
    }
  }
}

uint64_t Registry::grown(const std::string& key) const { return total(key) - totals_.at(key); }

void Registry::mark() { totals_ = state().totals(); }

Device Registry::open() const {
  Result<Device> device = Device::open();
  if (!device) throw std::runtime_error(device.error().message());
  return std::move(*device);
}

Absence::Absence(const std::string& name) : name_(name), device_(Device::open().value()) {
  EXPECT_EQ(modprobe("raceless-" + name), 0);
  const Result<Unloaded> unloaded = device_.unload(name, kLong, RACELESS_UNLOAD_HOLD);
  if (!unloaded) throw std::runtime_error(unloaded.error().message());
  EXPECT_EQ(delete_module(unloaded->owner), 0);
}

void Absence::end() { EXPECT_EQ(code(device_.release(name_)), 0); }

void calm() { std::this_thread::sleep_for(std::chrono::milliseconds(150)); }

std::vector<std::future<Outcome>> start_gets(const std::string& name, int nr, uint64_t timeout_ns) {
  std::vector<std::future<Outcome>> gets;
  gets.reserve(static_cast<size_t>(nr));
  for (int i = 0; i < nr; i++)
    gets.push_back(std::async(std::launch::async, [name, timeout_ns] {
      Device device = Device::open().value();
      const GetResult<Got> got = device.get(name, timeout_ns);
      return Outcome{code(got), reason(got), got ? got->grant : Grant{}};
    }));
  return gets;
}

}  // namespace raceless
