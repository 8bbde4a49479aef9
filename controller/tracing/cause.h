// SPDX-License-Identifier: GPL-2.0
// Why a call failed that needed a module: told from what BPF saw of the calling thread.
#ifndef RACELESS_CONTROLLER_TRACING_CAUSE_H
#define RACELESS_CONTROLLER_TRACING_CAUSE_H

#include <cstdint>

#include "../../bpf/causes.h"

namespace raceless {

enum class FailureCause {
  unknown,           // nothing seen that explains it
  load_busy,         // the load, its own or its modprobe's, met a dying module: EBUSY
  unloaded_again,    // modprobe succeeded; the module was gone again before the call had it
  still_registered,  // the dying module was found, try_module_get() failed, nobody asked for it
  missing,           // modprobe failed, and nobody met EBUSY
};

// "load_busy": the name in run.json.
const char* to_string(FailureCause cause);

// The decision, apart from where the record comes from. Observations before `since_ns`
// (CLOCK_MONOTONIC) do not count.
FailureCause classify(const raceless_caller& seen, std::uint64_t since_ns);

}  // namespace raceless

#endif
