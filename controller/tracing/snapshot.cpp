// SPDX-License-Identifier: GPL-2.0
#include "snapshot.h"

#include <array>
#include <cstring>

#include "../device.h"
#include "activity.h"
#include "map_reader.h"
#include "program_set.h"

namespace raceless {
namespace {

constexpr std::array registry_histograms = {"init_ns",        "stop_ns",    "grace_ns",
                                            "drain_ns",       "destroy_ns", "reload_wait_ns",
                                            "failed_wait_ns", "flight_ns"};
constexpr std::array module_histograms = {"load_ns", "unload_ns", "unload_grace_ns"};

Status add_keys(const ProgramSet& set, const std::string& map, std::uint32_t first,
                std::uint32_t end) {
  const std::uint64_t zero = 0;
  for (std::uint32_t key = first; key < end; key++) {
    if (bpf_map_update_elem(set.map_fd(map), &key, &zero, BPF_ANY) != 0) {
      return fail_errno("cannot prepare the BPF map " + map);
    }
  }
  return {};
}

template <typename Names>
Status read_histograms(const ProgramSet& set, const Names& names, Snapshot& snapshot) {
  for (const char* name : names) {
    auto hist = read_histogram(set.map_fd(name), name);
    if (!hist) return tl::unexpected(hist.error());
    snapshot.histograms[name] = *hist;
  }
  return {};
}

// Each entry of the map adds to the counter that `key_of` names.
template <typename Key, typename KeyOf>
Status read_counters(const ProgramSet& set, const char* map, Snapshot& snapshot, KeyOf key_of) {
  const auto entries = read_counter<Key>(set.map_fd(map), map);
  if (!entries) return tl::unexpected(entries.error());
  for (const auto& [key, number] : *entries) snapshot.counters[key_of(key)] += number;
  return {};
}

}  // namespace

Status prepare_registry(const ProgramSet& registry) {
  if (auto added = add_keys(registry, "transitions", 0, RACELESS_DESTROYING + 1); !added)
    return added;
  if (auto added = add_keys(registry, "get_reasons", RACELESS_REASON_ABSENT, RACELESS_NR_REASONS);
      !added) {
    return added;
  }
  return add_keys(registry, "broken", RACELESS_PROMISE_NO_USE_AFTER_DESTROY, RACELESS_NR_PROMISES);
}

Status watch_modules(const ProgramSet& modules, const std::vector<std::string>& names) {
  if (names.size() > RACELESS_WATCHED_MODULES) {
    return fail(E2BIG, "cannot watch " + std::to_string(names.size()) + " modules; name at most " +
                           std::to_string(RACELESS_WATCHED_MODULES) + ", or none, for all");
  }
  for (const std::string& name : names) {
    raceless_module_key key{};
    if (name.size() >= sizeof(key.name)) {
      return fail(ENAMETOOLONG, "the module name '" + name +
                                    "' is longer than the kernel allows (" +
                                    std::to_string(sizeof(key.name) - 1) + " characters)");
    }
    name.copy(key.name, sizeof(key.name) - 1);
    const std::uint8_t yes = 1;
    if (bpf_map_update_elem(modules.map_fd("watched"), &key, &yes, BPF_ANY) != 0)
      return fail_errno("cannot prepare the BPF map watched");
  }
  return {};
}

Status read_registry(const ProgramSet& registry, Snapshot& snapshot) {
  if (auto read = read_histograms(registry, registry_histograms, snapshot); !read) return read;
  auto read = read_counters<std::uint32_t>(registry, "transitions", snapshot, [](auto state) {
    return std::string("to_") + state_name(state);
  });
  if (!read) return read;
  read = read_counters<std::uint32_t>(registry, "get_reasons", snapshot, [](auto reason) {
    return std::string("get_failures_") + reason_name(reason);
  });
  if (!read) return read;
  read = read_counters<std::uint32_t>(registry, "broken", snapshot, [](auto promise) {
    return "broken_" + std::to_string(promise);
  });
  if (!read) return read;

  const auto totals = read_value<raceless_registry_totals>(registry.map_fd("totals"), "totals");
  if (!totals) return tl::unexpected(totals.error());
  snapshot.counters.insert({
      {"publishes", totals->publishes},
      {"handed_off", totals->handed_off},
      {"replacements", totals->replacements},
      {"replace_failures", totals->replace_failures},
      {"flights", totals->flights},
      {"flights_in_place", totals->flights_in_place},
      {"flight_errors", totals->flight_errors},
      {"modprobes", totals->modprobes},
      {"failed_waiters", totals->failed_waiters},
      {"waits", totals->waits},
      {"failed_waits", totals->failed_waits},
      {"grace_expedited", totals->expedited},
      {"grace_polite", totals->polite},
  });
  return {};
}

Status read_modules(const ProgramSet& modules, Snapshot& snapshot) {
  if (auto read = read_histograms(modules, module_histograms, snapshot); !read) return read;
  auto read = read_counters<raceless_module_result>(
      modules, "load_results", snapshot,
      [](const auto& result) { return "load_results_" + result_name(result.error); });
  if (!read) return read;
  read = read_counters<raceless_module_result>(
      modules, "unload_results", snapshot,
      [](const auto& result) { return "unload_results_" + result_name(result.error); });
  if (!read) return read;

  const auto totals =
      read_value<raceless_module_totals>(modules.map_fd("module_totals"), "module_totals");
  if (!totals) return tl::unexpected(totals.error());
  snapshot.counters.insert({
      {"module_loads", totals->loads},
      {"module_frees", totals->frees},
      {"module_requests", totals->requests},
      {"module_get_failures", totals->get_failures},
  });
  return {};
}

Status read_drops(const std::vector<const ProgramSet*>& sets, Snapshot& snapshot) {
  std::uint64_t missed_runs = 0;
  for (const ProgramSet* set : sets) {
    const auto missed = set->missed_runs();
    if (!missed) return tl::unexpected(missed.error());
    missed_runs += *missed;
  }
  const auto drops = read_drops(sets.front()->map_fd("drops"));
  if (!drops) return tl::unexpected(drops.error());
  snapshot.drops = {
      {"events", drops->events}, {"keys", drops->keys},   {"stacks", drops->stacks},
      {"maxima", drops->maxima}, {"tasks", drops->tasks}, {"missed_runs", missed_runs},
  };
  return {};
}

Status read_get_failures(const ProgramSet& registry, std::vector<GetFailure>& failures) {
  const auto entries =
      read_counter<raceless_get_failure>(registry.map_fd("get_failures"), "get_failures");
  if (!entries) return tl::unexpected(entries.error());
  for (const auto& [key, number] : *entries) {
    failures.push_back({key.name, reason_name(key.reason), -key.error, number,
                        read_stack(registry.map_fd("stacks"), key.stack)});
  }
  return {};
}

Status read_module_get_failures(const ProgramSet& modules, std::vector<GetFailure>& failures) {
  const auto entries =
      read_counter<raceless_module_get_failure>(modules.map_fd("module_gets"), "module_gets");
  if (!entries) return tl::unexpected(entries.error());
  for (const auto& [key, number] : *entries) {
    failures.push_back({key.name, get_reason_name(key.reason), 0, number,
                        read_stack(modules.map_fd("stacks"), key.stack)});
  }
  return {};
}

}  // namespace raceless
