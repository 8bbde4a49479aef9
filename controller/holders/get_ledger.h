// SPDX-License-Identifier: GPL-2.0
// Gets of a module without a put. A put does not say which get it undoes: it is matched with the
// likeliest one, so that what is left are candidates.
#ifndef RACELESS_CONTROLLER_HOLDERS_GET_LEDGER_H
#define RACELESS_CONTROLLER_HOLDERS_GET_LEDGER_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace raceless {

struct ModuleGet {
  uint64_t time_ns = 0;
  uint32_t pid = 0;
  uint32_t tid = 0;
  std::string comm;
  std::vector<uint64_t> stack;  // innermost first
};

class GetLedger {
 public:
  // More are not remembered; they are counted.
  explicit GetLedger(size_t most = 65536) : most_(most) {}

  void get(ModuleGet get);
  // The last get of the same thread; else the last one of its process; else the oldest one.
  void put(uint32_t pid, uint32_t tid);

  // Without a put, oldest first.
  [[nodiscard]] std::vector<ModuleGet> outstanding() const;
  [[nodiscard]] uint64_t gets() const { return gets_; }
  [[nodiscard]] uint64_t puts() const { return puts_; }
  // Of puts: those of references that were taken before.
  [[nodiscard]] uint64_t puts_of_earlier() const { return puts_of_earlier_; }
  [[nodiscard]] uint64_t not_remembered() const { return not_remembered_; }

 private:
  using Numbers = std::map<uint32_t, std::vector<uint64_t>>;
  void forget(uint64_t number);
  static void drop(Numbers& numbers, uint32_t key, uint64_t number);

  size_t most_;
  std::map<uint64_t, ModuleGet> open_;  // by number, in the order in which they came
  Numbers by_thread_;
  Numbers by_process_;
  uint64_t gets_ = 0;
  uint64_t puts_ = 0;
  uint64_t puts_of_earlier_ = 0;
  uint64_t not_remembered_ = 0;
};

}  // namespace raceless

#endif
