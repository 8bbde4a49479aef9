// SPDX-License-Identifier: GPL-2.0
// Kernel addresses as people read them: /proc/kallsyms.
#ifndef RACELESS_CONTROLLER_TRACE_SYMBOLS_H
#define RACELESS_CONTROLLER_TRACE_SYMBOLS_H

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace raceless {

// Reads the file when first asked, and again, now and then, for an address of a module that came
// later. Without the right to see addresses every answer is the bare number. Safe from any thread.
class Symbols {
 public:
  explicit Symbols(std::string root = "") : root_(std::move(root)) {}

  // "free_module+0x1a2", "nbd_open+0x10 [nbd]"; "0xffffffff81000000" if unknown.
  [[nodiscard]] std::string describe(uint64_t address);
  // The function that got to what was traced: the innermost one of a stack that is neither part of
  // the tracing nor the traced function. "unknown" if there is none. A stack whose caller had a
  // name once keeps it: what is counted under it must not move when the caller's module has gone.
  [[nodiscard]] std::string caller(const std::vector<uint64_t>& stack);
  // The stack without the tracing's own part, each as describe() has it.
  [[nodiscard]] std::vector<std::string> describe_all(const std::vector<uint64_t>& stack);
  // A module comes or goes: where its functions were there may be others.
  void forget(const std::string& module);

 private:
  struct Symbol {
    uint64_t address;
    std::string name;
    std::string module;  // "" of the kernel itself
  };

  static bool is_of_module(const Symbol& symbol);
  void read();
  // Where it is no more that function.
  uint64_t end_of(std::vector<Symbol>::const_iterator symbol) const;
  // nullptr if it is in no function of the list.
  const Symbol* find(uint64_t address);
  const Symbol* find_known(uint64_t address) const;
  [[nodiscard]] size_t skip_tracing(const std::vector<uint64_t>& stack);

  std::string root_;
  std::mutex mutex_;
  std::vector<Symbol> symbols_;    // by address
  std::set<std::string> modules_;  // those of symbols_
  uint64_t read_ns_ = 0;           // when; 0: never
  std::map<std::vector<uint64_t>, std::string> callers_;
};

}  // namespace raceless

#endif
