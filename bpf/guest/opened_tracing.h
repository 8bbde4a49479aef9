// SPDX-License-Identifier: GPL-2.0
// What the tests of the programs without raceless.ko share.
#ifndef RACELESS_BPF_GUEST_OPENED_TRACING_H
#define RACELESS_BPF_GUEST_OPENED_TRACING_H

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "tracing.h"

namespace raceless {

inline std::unique_ptr<Tracing> open_tracing(const Tracing::Options& options) {
  auto tracing = Tracing::open(options);
  EXPECT_TRUE(tracing) << (tracing ? "" : tracing.error().message());
  if (!tracing) return nullptr;
  for (const std::string& what : (*tracing)->missing()) ADD_FAILURE() << "missing: " << what;
  return std::move(*tracing);
}

inline std::uint64_t counter(const Snapshot& snapshot, const std::string& name) {
  const auto found = snapshot.counters.find(name);
  return found == snapshot.counters.end() ? 0 : found->second;
}

// Nothing but a stack may have been dropped.
inline void expect_no_drops(const Snapshot& snapshot) {
  for (const auto& [kind, number] : snapshot.drops) {
    if (kind == "stacks") continue;
    EXPECT_EQ(number, 0U) << kind;
  }
}

}  // namespace raceless

#endif
