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
#include <memory>
#include <string>
#include <vector>

#include "result.h"
#include "tracing/activity.h"
#include "tracing/cause.h"
#include "tracing/event.h"
#include "tracing/snapshot.h"

namespace raceless {

class Tracing {
 public:
  struct Options {
    // Attach to raceless.ko's tracepoints.
    bool registry = false;
    // Record the failures of the kernel's own try_module_get(), which slows each try_module_get()
    // of the machine down.
    bool module_gets = true;
    // Only loads, unloads and gets of these modules are recorded, by the kernel's names for them;
    // empty: of all. At most RACELESS_WATCHED_MODULES.
    std::vector<std::string> modules;
    // The process whose threads cause() will be asked about; 0: none.
    pid_t tgid = 0;
    // Record the calls of all processes that fail because of a module; not together with tgid.
    bool calls = false;
    // Folder on a bpf file system for the maps; empty: they are not pinned.
    std::string pin_dir;
    // The pinned maps stay when the tracing ends, with its last numbers.
    bool keep_pins = false;
    // Pin programs and links, too. They go with the tracing: what is pinned stays attached.
    bool pin_programs = false;
    // Fill the ring buffer. Who sets this has to poll(), or events are dropped (and counted).
    bool events = false;
    // Size of the ring buffer, a power of two, at least a page; 0: its own (8 MiB).
    std::uint32_t events_bytes = 0;
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
  // Are the registry's tracepoints attached? If not, missing() says why.
  bool has_registry() const;
  // Module by module. Safe from any thread.
  Result<Activity> activity() const;
  // Kernel addresses, innermost first; empty if the stack was not recorded.
  std::vector<std::uint64_t> stack(std::int32_t number) const;

  // Why the last failing call of a thread of Options::tgid failed. Asking forgets what was
  // seen of the thread. `since_ns` (CLOCK_MONOTONIC, taken before the call) keeps
  // what earlier calls met out of the answer; 0: everything since the last question.
  // Safe from any thread.
  Result<FailureCause> cause(pid_t tid, std::uint64_t since_ns = 0);

  // Waits for events up to `timeout` and hands each to `handle`; returns how many there were. Ends
  // a moment after `timeout` (ReadingTurn) even while more of them come.
  Result<int> poll(std::chrono::milliseconds timeout,
                   const std::function<void(const Event&)>& handle);

 private:
  class Impl;
  explicit Tracing(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace raceless

#endif
