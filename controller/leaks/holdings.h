// SPDX-License-Identifier: GPL-2.0
// What the kernel holds at one moment, as far as code under test may have left it: memory by who
// allocated it, and lists that are to end as long as they began.
#ifndef RACELESS_CONTROLLER_LEAKS_HOLDINGS_H
#define RACELESS_CONTROLLER_LEAKS_HOLDINGS_H

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "leaks/tested_code.h"

namespace raceless {

// How sure it is that somebody has forgotten it.
enum class Evidence {
  gone,      // the code that allocated it was unloaded
  direct,    // allocated by code under test, which is still there
  indirect,  // allocated by the kernel on behalf of such code
  listed,    // members of a list: modules, BPF objects
  pages,     // of memory that is accounted for in pages, by nobody's name
  cache,     // objects by cache, with those that the CPUs keep for themselves
};

struct HoldingKey {
  Evidence evidence = Evidence::cache;
  std::string what;    // "objects of kmalloc-64"
  std::string caller;  // as TestedCode names it; may be empty

  bool operator<(const HoldingKey& other) const {
    return std::tie(evidence, what, caller) < std::tie(other.evidence, other.what, other.caller);
  }
};

struct Holding {
  uint64_t count = 0;
  uint64_t bytes = 0;   // 0: it is not about memory
  std::string example;  // one of them, where they have names
};

using Holdings = std::map<HoldingKey, Holding>;

// Slab objects by caller, if the kernel was booted with slub_debug=U.
[[nodiscard]] bool knows_slab_callers(const std::string& root = "");
void add_slab_callers(const TestedCode& code, Holdings& holdings, const std::string& root = "");
// And if it was not, by cache alone.
void add_slab_caches(Holdings& holdings, const std::string& root = "");
void add_vmalloc_areas(const TestedCode& code, Holdings& holdings, const std::string& root = "");
void add_percpu_memory(Holdings& holdings, const std::string& root = "");
void add_modules(Holdings& holdings, const std::string& root = "");
// Of the running kernel; nothing for who may not ask.
void add_bpf_objects(Holdings& holdings);

// All of them.
[[nodiscard]] Holdings read_holdings(const TestedCode& code);

}  // namespace raceless

#endif
