// SPDX-License-Identifier: GPL-2.0
// Why a call failed that needed a module: told from what BPF saw of the calling thread.
#ifndef RACELESS_CONTROLLER_TRACING_CAUSE_H
#define RACELESS_CONTROLLER_TRACING_CAUSE_H

#include <cstdint>

#include "../../bpf/causes.h"

namespace raceless {

enum class FailureCause {
  unknown = RACELESS_CAUSE_UNKNOWN,  // nothing seen that explains it
  // The load, its own or its modprobe's, met a dying module: EBUSY.
  load_busy = RACELESS_CAUSE_LOAD_BUSY,
  // modprobe succeeded; the module was gone again before the call had it.
  unloaded_again = RACELESS_CAUSE_UNLOADED_AGAIN,
  // The dying module was found, try_module_get() failed, nobody asked for it.
  still_registered = RACELESS_CAUSE_STILL_REGISTERED,
  missing = RACELESS_CAUSE_MISSING,  // modprobe failed, and nobody met EBUSY
};

// "load_busy": the name in run.json.
const char* to_string(FailureCause cause);

// raceless_classify() of bpf/causes.h. Observations before `since_ns`
// (CLOCK_MONOTONIC) do not count; of a storm, in which somebody unloads all the time.
FailureCause classify(const raceless_caller& seen, std::uint64_t since_ns,
                      std::uint64_t deleted_ns = RACELESS_ALWAYS_DELETED);

}  // namespace raceless

#endif
