// SPDX-License-Identifier: GPL-2.0
// What `raceless trace` shows and exports: the tracing's numbers by module, with addresses and
// aliases as names.
#ifndef RACELESS_CONTROLLER_TRACE_NUMBERS_H
#define RACELESS_CONTROLLER_TRACE_NUMBERS_H

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "histogram.h"
#include "tracing/activity.h"
#include "tracing/snapshot.h"

namespace raceless {

// How names are found; tests give their own.
struct Naming {
  std::function<std::string(const std::vector<uint64_t>& stack)> caller;
  std::function<std::string(const std::string& alias)> module_of;
};

struct FailedGet {
  std::string reason;
  std::string caller;
  bool operator<(const FailedGet& other) const {
    return std::tie(reason, caller) < std::tie(other.reason, other.caller);
  }
};

struct FailedCall {
  std::string call;
  std::string error;
  std::string cause;
  bool operator<(const FailedCall& other) const {
    return std::tie(call, error, cause) < std::tie(other.call, other.error, other.cause);
  }
};

struct ModuleNumbers {
  Results loads;
  Results unloads;
  Histogram load_ns;
  Histogram unload_ns;
  std::map<FailedGet, uint64_t> failed_gets;
  std::map<FailedCall, uint64_t> failed_calls;
  std::map<std::string, Histogram> grace_ns;  // by caller

  [[nodiscard]] uint64_t nr_failed_gets() const;
  [[nodiscard]] uint64_t nr_failed_calls() const;
  [[nodiscard]] Histogram all_grace_ns() const;
};

struct Numbers {
  std::map<std::string, ModuleNumbers> modules;
  uint64_t requests = 0;
  // Of raceless.ko, if it is traced.
  bool registry = false;
  std::map<std::string, uint64_t> registry_counters;
  std::map<std::string, Histogram> registry_histograms;
  std::map<FailedGet, uint64_t> registry_failed_gets;
  std::map<std::string, uint64_t> drops;

  // Numbers that are too low for want of room or time; a stack that is missing makes none so.
  [[nodiscard]] uint64_t nr_dropped() const;
};

// Failed calls of other modules than `watched` are left out, if any is watched.
[[nodiscard]] Numbers make_numbers(const Activity& activity, const Snapshot& snapshot,
                                   bool registry, const std::vector<std::string>& watched,
                                   const Naming& naming);

// For one line of --json.
[[nodiscard]] nlohmann::json numbers_json(const Numbers& numbers);
// One row for each module.
[[nodiscard]] std::string table_text(const Numbers& numbers);
// All of it, at the end.
[[nodiscard]] std::string summary_text(const Numbers& numbers);
// "no events lost", or what is missing from the numbers.
[[nodiscard]] std::string drops_text(const Numbers& numbers);

}  // namespace raceless

#endif
