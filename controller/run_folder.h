// SPDX-License-Identifier: GPL-2.0
// Where a run leaves its run.json.
#ifndef RACELESS_CONTROLLER_RUN_FOLDER_H
#define RACELESS_CONTROLLER_RUN_FOLDER_H

#include <string>

#include "result.h"
#include "storm/context.h"

namespace raceless {

// $RACELESS_RESULTS, which a harness sets, else runs/TIME.
[[nodiscard]] std::string default_run_folder(const Context& context);
// A harness that names the folder knows it, and what it is called outside.
[[nodiscard]] bool is_harness_folder(const std::string& folder);

// Before the run: a folder that cannot be written must not cost a minute of storm.
[[nodiscard]] Status make_run_folder(const std::string& folder);

}  // namespace raceless

#endif
