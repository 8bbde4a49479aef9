// SPDX-License-Identifier: GPL-2.0
// Files that are built into the command (embedded.S).
#ifndef RACELESS_CONTROLLER_REPORT_EMBEDDED_H
#define RACELESS_CONTROLLER_REPORT_EMBEDDED_H

#include <string_view>

namespace raceless {

// The report's page, with a mark where the data goes; without Node at build time, why there is none
// (one line).
[[nodiscard]] std::string_view embedded_page();

// docs/run-schema.json
[[nodiscard]] std::string_view embedded_run_schema();

}  // namespace raceless

#endif
