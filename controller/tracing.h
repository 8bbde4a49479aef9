// SPDX-License-Identifier: GPL-2.0
// The eBPF side of a run: loads and attaches the programs of bpf/, reads their numbers.
//
// Nothing here needs raceless.ko; with it, Options::registry adds the registry's own
// tracepoints. What a kernel lacks is left out and named in missing(), with the remedy.
#ifndef RACELESS_CONTROLLER_TRACING_H
#define RACELESS_CONTROLLER_TRACING_H

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "result.h"
#include "tracing_cause.h"
#include "tracing_event.h"
#include "tracing_histogram.h"

namespace raceless {

// The numbers of one moment. Each number is exact (no count is torn or lost without being
// in `drops`), but they are not read in one instant: they agree with each other only when
// nothing is running any more.
struct Snapshot {
  // From the registry: grace_ns, stop_ns, drain_ns, destroy_ns, init_ns, reload_wait_ns,
  // failed_wait_ns, flight_ns. Of any module: unload_grace_ns (each RCU wait inside a
  // delete_module), unload_ns and load_ns (the system calls, whatever they returned).
  std::map<std::string, raceless_hist> histograms;
  // "transitions.live", "get_failures.timeout", "broken.first_publish", "publishes",
  // "handed_off", "flights", "flight_errors", "modprobes", …; of any module
  // "module_loads", "module_frees", "module_requests", "module_get_failures",
  // "load_results.EBUSY" and "unload_results.ok", by errno.
  std::map<std::string, std::uint64_t> counters;
  // What was not recorded, by kind; all 0 in a run whose numbers may be trusted.
  std::map<std::string, std::uint64_t> drops;
};

// Failing attempts to take a reference that share name, reason and stack.
struct GetFailure {
  std::string name;    // of the provider or module
  std::string reason;  // as in /proc/raceless; "try_module_get" if the kernel's own count said no
  int error = 0;       // errno that the caller got; 0 if it got a bool
  std::uint64_t count = 0;
  std::vector<std::uint64_t> stack;  // kernel addresses, innermost first; may be empty
};

class Tracing {
 public:
  struct Options {
    // Attach to raceless.ko's tracepoints. Without it the target is a stock module, and the
    // failures of the kernel's own try_module_get() are recorded, which slows each
    // try_module_get() of the machine down.
    bool registry = false;
    // Only loads, unloads and gets of this module are recorded; empty: of all.
    std::string module_filter;
    // The process whose threads cause() will be asked about; 0: none.
    pid_t tgid = 0;
    // Folder on a bpf file system for the maps; empty: they are not pinned.
    std::string pin_dir;
    // Fill the ring buffer. Who sets this has to poll(), or events are dropped (and counted).
    bool events = false;
  };

  static constexpr const char* default_pin_dir = "/sys/fs/bpf/raceless";

  static Result<std::unique_ptr<Tracing>> open(const Options& options);
  ~Tracing();
  Tracing(const Tracing&) = delete;
  Tracing& operator=(const Tracing&) = delete;

  // What could not be attached on this kernel, why, and what to do; empty if all is there.
  const std::vector<std::string>& missing() const;

  Result<Snapshot> snapshot() const;
  Result<std::vector<GetFailure>> get_failures() const;

  // Why the last failing call of a thread of Options::tgid failed. Asking forgets what was
  // seen of the thread. `since_ns` (CLOCK_MONOTONIC, taken before the call) keeps
  // what earlier calls met out of the answer; 0: everything since the last question.
  // Safe from any thread.
  Result<FailureCause> cause(pid_t tid, std::uint64_t since_ns = 0);

  // Waits for events up to `timeout` and hands each to `handle`; returns how many there were.
  Result<int> poll(std::chrono::milliseconds timeout,
                   const std::function<void(const Event&)>& handle);

 private:
  class Impl;
  explicit Tracing(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace raceless

#endif
