// SPDX-License-Identifier: GPL-2.0
// Somebody who uses the registry as it is meant, while others do what they can.
#ifndef RACELESS_MODULE_TESTS_FUZZ_BYSTANDER_H
#define RACELESS_MODULE_TESTS_FUZZ_BYSTANDER_H

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace raceless::fuzz {

// Takes references on probe0, which nobody else touches; and compresses with codec, as long as
// nobody may take that down and keep it down.
class Bystander {
 public:
  explicit Bystander(bool uses_codec);
  ~Bystander();
  Bystander(const Bystander&) = delete;
  Bystander& operator=(const Bystander&) = delete;

  void stop();
  [[nodiscard]] uint64_t rounds() const { return rounds_; }
  [[nodiscard]] uint64_t longest_ns() const { return longest_ns_; }
  // What went wrong first.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  void run();
  [[nodiscard]] std::string use_probe() const;
  [[nodiscard]] std::string use_codec() const;

  bool uses_codec_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> rounds_{0};
  std::atomic<uint64_t> longest_ns_{0};
  std::string failure_;
  std::thread thread_;
};

}  // namespace raceless::fuzz

#endif
