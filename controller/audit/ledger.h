// SPDX-License-Identifier: GPL-2.0
// /proc/raceless_ledger: hits of the registry's tracepoints, counted by a module of their own
// (module/tests/raceless_ledger.c).
#ifndef RACELESS_CONTROLLER_AUDIT_LEDGER_H
#define RACELESS_CONTROLLER_AUDIT_LEDGER_H

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace raceless {

// One load of the registry.
struct Book {
  bool closed = false;                          // the registry is gone
  std::map<std::string, std::uint64_t> counts;  // of the tracepoints
  std::map<std::string, std::uint64_t> totals;  // what the registry said of itself as it went

  // From one state to another, by their numbers.
  [[nodiscard]] std::uint64_t transitions(unsigned from, unsigned to) const;
  [[nodiscard]] std::uint64_t transitions_ns(unsigned from, unsigned to) const;
  [[nodiscard]] std::uint64_t entered(unsigned state) const;
  [[nodiscard]] std::uint64_t left(unsigned state) const;
};

struct Ledger {
  std::uint64_t lost = 0;  // loads that are in no book
  std::vector<Book> books;

  [[nodiscard]] static Result<Ledger> read(const std::string& root = "");
  [[nodiscard]] static Result<Ledger> parse(std::string_view text);
};

}  // namespace raceless

#endif
