// SPDX-License-Identifier: GPL-2.0
// case.json: what a run was, and what came of it.
#pragma once

#include <string>

#include "machine.h"
#include "run.h"

namespace raceless::vm {

[[nodiscard]] Status write_report(const RunSpec& spec, const Machine& machine,
                                  const std::string& qemu_version, const RunOutcome& outcome);

}  // namespace raceless::vm
