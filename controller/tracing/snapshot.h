// SPDX-License-Identifier: GPL-2.0
// The numbers that the BPF programs hold, under the names that reports use.
#ifndef RACELESS_CONTROLLER_TRACING_SNAPSHOT_H
#define RACELESS_CONTROLLER_TRACING_SNAPSHOT_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "../histogram.h"
#include "../result.h"

namespace raceless {

class ProgramSet;

// The numbers of one moment. Each number is exact (no count is torn, and none is lost without
// being in `drops`), but they are not read in one instant: they agree with each other only
// when nothing is running any more.
struct Snapshot {
  // From the registry: init_ns, stop_ns, grace_ns, drain_ns, destroy_ns, reload_wait_ns (waits
  // that ended with a reference), failed_wait_ns (the others), flight_ns. Of any module:
  // unload_grace_ns (each RCU wait inside a delete_module), unload_ns and load_ns (the
  // system calls, whatever they returned).
  std::map<std::string, raceless_hist> histograms;
  // By the keys of /proc/raceless: "to_live", "get_failures_timeout", "broken_3", "publishes",
  // "handed_off", "replacements", "flights", "flights_in_place", "flight_errors", "modprobes",
  // "waits"; and "failed_waits", "failed_waiters", "grace_expedited", "grace_polite". Of any
  // module: "module_loads", "module_frees", "module_requests", "module_get_failures", and by errno
  // "load_results_ok", "load_results_EBUSY", …, "unload_results_ok", "unload_results_EAGAIN", ….
  std::map<std::string, std::uint64_t> counters;
  // What was not recorded, by kind: "events", "keys", "tasks", "missed_runs" (numbers are too
  // low if they are not 0), "stacks" (a failure is counted without its stack), "maxima".
  std::map<std::string, std::uint64_t> drops;
};

// Failing attempts to take a reference that share name, reason and stack.
struct GetFailure {
  std::string name;  // of the provider or module
  // Of the registry: as in /proc/raceless. Of try_module_get(): "going" (the module's exit has
  // begun, or its init failed) or "no_count" (it is about to be going).
  std::string reason;
  int error = 0;  // errno that the caller got; 0 if it got a bool
  std::uint64_t count = 0;
  std::vector<std::uint64_t> stack;  // kernel addresses, innermost first; may be empty
};

// The keys that counters have from the start: then every one is in the dump, and none can be
// lost to a full map. Right after loading, before attaching.
Status prepare_registry(const ProgramSet& registry);

// Right after loading: the modules that are watched. ENAMETOOLONG, E2BIG.
Status watch_modules(const ProgramSet& modules, const std::vector<std::string>& names);

Status read_registry(const ProgramSet& registry, Snapshot& snapshot);
Status read_modules(const ProgramSet& modules, Snapshot& snapshot);
// Adds up what all sets dropped; `drops` is a map that they share.
Status read_drops(const std::vector<const ProgramSet*>& sets, Snapshot& snapshot);

Status read_get_failures(const ProgramSet& registry, std::vector<GetFailure>& failures);
Status read_module_get_failures(const ProgramSet& modules, std::vector<GetFailure>& failures);

}  // namespace raceless

#endif
