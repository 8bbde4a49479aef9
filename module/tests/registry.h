// SPDX-License-Identifier: GPL-2.0
// What the tests of the registry share: modules, options, the state file, and the check after each
// test that nothing was left behind.
#ifndef RACELESS_MODULE_TESTS_REGISTRY_H
#define RACELESS_MODULE_TESTS_REGISTRY_H

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <string>
#include <vector>

#include "device.h"
#include "state_file.h"

namespace raceless {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kLong = 30'000 * kMillisecond;

// Looks until it is true, so long at the most.
[[nodiscard]] bool eventually(const std::function<bool()>& condition,
                              std::chrono::seconds longest = std::chrono::seconds(20));

// The errno of a failed call, 0 of one that worked.
template <typename T>
int code(const Result<T>& result) {
  return result ? 0 : result.error().code;
}
template <typename T>
int code(const GetResult<T>& result) {
  return result ? 0 : result.error().error.code;
}
template <typename T>
uint32_t reason(const GetResult<T>& result) {
  return result ? uint32_t{RACELESS_REASON_NONE} : result.error().reason;
}

// modprobe(8): 0 or its exit status.
int modprobe(const std::string& name);
// A column of a name's line; 0 if it has none.
uint64_t column(const std::string& name, const std::string& key);
std::string state_of(const std::string& name);
uint64_t total(const std::string& key);
[[nodiscard]] bool write_file(const std::string& path, const std::string& text);

// A thread of this process: chaos sleeps so in its calls.
[[nodiscard]] bool in_uninterruptible_sleep(pid_t thread);

// A line of modprobe.d for as long as this lives.
class ModprobeLine {
 public:
  explicit ModprobeLine(const std::string& line);
  ~ModprobeLine();

  ModprobeLine(const ModprobeLine&) = delete;
  ModprobeLine& operator=(const ModprobeLine&) = delete;
};

// Loads raceless before each test; unloads the providers after it, and then nothing may be left.
class Registry : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // How much a total has grown since the test, or the last mark(), began.
  uint64_t grown(const std::string& key) const;
  void mark();
  Device open() const;

 private:
  std::map<std::string, uint64_t> totals_;
};

// A name that is down, whose module is not loaded, and that stays so until it is let go.
class Absence {
 public:
  explicit Absence(const std::string& name);

  void end();

 private:
  std::string name_;
  Device device_;
};

// A flight may try modprobe again for 100 ms after any unload: tests that count wait that long.
void calm();

// How a get ended, in a thread of its own.
struct Outcome {
  int code = 0;
  uint32_t reason = 0;
  Grant grant;
};
std::vector<std::future<Outcome>> start_gets(const std::string& name, int nr,
                                             uint64_t timeout_ns = kLong);

}  // namespace raceless

#endif
