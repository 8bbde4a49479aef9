// SPDX-License-Identifier: GPL-2.0
// What the BPF programs counted module by module. As a Snapshot: each number exact, not all of one
// instant.
#ifndef RACELESS_CONTROLLER_TRACING_ACTIVITY_H
#define RACELESS_CONTROLLER_TRACING_ACTIVITY_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "../histogram.h"
#include "../result.h"
#include "cause.h"
#include "snapshot.h"

namespace raceless {

class ProgramSet;

// Loads and unloads by how they ended: "ok", "EBUSY".
using Results = std::map<std::string, std::uint64_t>;

struct ModuleActivity {
  Results loads;
  Results unloads;
  raceless_hist load_ns{};
  raceless_hist unload_ns{};
};

// The waits for RCU of a module's unloads, at one place.
struct GraceWaits {
  std::string module;
  std::vector<std::uint64_t> stack;  // kernel addresses, innermost first; may be empty
  raceless_hist ns{};
};

// System calls that failed alike because of a module.
struct CallFailure {
  std::string name;   // of the module, or an alias
  std::string call;   // "mount"
  std::string error;  // "ENODEV"
  FailureCause cause = FailureCause::unknown;
  std::uint64_t count = 0;
};

struct Activity {
  std::map<std::string, ModuleActivity> modules;  // "" is of loads that failed without a name
  std::vector<GraceWaits> grace_waits;
  std::vector<CallFailure> call_failures;
  std::vector<GetFailure> get_failures;
};

// "ok", or the errno's name; `error` is 0 or negative.
std::string result_name(std::int32_t error);
// Of an enum raceless_module_get_reason: "going", "no_count".
const char* get_reason_name(std::uint32_t reason);
// Of an x86-64 system call that is listed in bpf/causes.bpf.c.
std::string call_name(std::uint32_t number);

Status read_module_activity(const ProgramSet& modules, Activity& activity);
Status read_call_failures(const ProgramSet& causes, Activity& activity);

}  // namespace raceless

#endif
