// SPDX-License-Identifier: GPL-2.0
// What the tests of the gate share: a module that goes as slowly as they like (raceless_gated.c),
// in a thread of its own, and the gate's counts.
#ifndef RACELESS_MODULE_TESTS_GATE_GATED_H
#define RACELESS_MODULE_TESTS_GATE_GATED_H

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "../registry.h"
#include "gate/gate_state.h"

namespace raceless {

constexpr const char* kGated = "raceless_gated";

// Milliseconds since some moment.
[[nodiscard]] int64_t now_ms();

// 0 or an errno.
[[nodiscard]] int load_module(const std::string& name, const std::string& options = "");
[[nodiscard]] int load_gated(const std::string& options = "");
// With init_module(2), whose callers do not share one load's result.
[[nodiscard]] int load_image(const std::string& options = "");
// Is its file system there?
[[nodiscard]] bool is_registered();
[[nodiscard]] int mount_gated(const std::string& filesystem = kGated);
// A socket of its family, which it refuses to make; so EPROTO is what it says when it is there.
[[nodiscard]] int socket_gated();
[[nodiscard]] bool set_parameter(const std::string& module, const std::string& name,
                                 const std::string& value);

// A counter that the gate's BPF programs keep, by its name there; ~0 if it cannot be read.
[[nodiscard]] uint64_t program_count(const std::string& name);

// The calling thread, from here on.
[[nodiscard]] bool run_on(int cpu);
// Does the task sleep in that function of the kernel, or in one that it calls?
[[nodiscard]] bool is_in(pid_t task, const char* function);
// Is there a process of that name?
[[nodiscard]] bool runs(const std::string& program);

// delete_module of raceless_gated in a thread, until it is in the exit; joined at the end.
class Unload {
 public:
  Unload();
  ~Unload();
  Unload(const Unload&) = delete;
  Unload& operator=(const Unload&) = delete;

  void join();
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] pid_t tid() const { return tid_; }

 private:
  std::atomic<int> error_{-1};
  std::atomic<pid_t> tid_{0};
  std::thread thread_;
};

// The gate is on, and raceless_gated can be loaded. Afterwards nothing may be left of either.
class Gated : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Of a module whose exit lasts until let_exit(): who waits for it does so until something else
  // ends the wait, however slow the guest is.
  static void load_with_endless_exit();
  static void let_exit();
  // The same, and it is let by itself: as soon as that holds; or a second after somebody waits, so
  // that a call which does not wait as it should is seen to meet it again and again.
  void load_with_exit_until(const std::function<bool()>& condition);
  void load_with_exit_until_awaited();
  // No wait has ended by a bound.
  [[nodiscard]] bool none_timed_out() const;

  // How much a count has grown since the test began.
  [[nodiscard]] uint64_t grown(const std::string& key) const;
  [[nodiscard]] static uint64_t now(const std::string& key);

 private:
  std::map<std::string, uint64_t> before_;
  std::thread lets_exit_;
};

}  // namespace raceless

#endif
