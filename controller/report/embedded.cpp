// SPDX-License-Identifier: GPL-2.0
#include "report/embedded.h"

extern "C" {
extern const char raceless_page_begin[];
extern const char raceless_page_end[];
extern const char raceless_run_schema_begin[];
extern const char raceless_run_schema_end[];
}

namespace raceless {

std::string_view embedded_page() { return {raceless_page_begin, raceless_page_end}; }

std::string_view embedded_run_schema() {
  return {raceless_run_schema_begin, raceless_run_schema_end};
}

}  // namespace raceless
