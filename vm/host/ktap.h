// SPDX-License-Identifier: GPL-2.0
// Reads the Kernel Test Anything Protocol.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace raceless::vm {

struct KtapResult {
  bool ok = false;
  bool skipped = false;
  std::string name;
  std::vector<std::string> diagnostics;  // of a failure: the comments beside it, without "# "
};

// The top level of a document. Nested tests count through the line of the test they belong to, and
// a nested failure whose parent claims success counts as a failure of its own.
struct KtapSummary {
  bool has_version = false;
  int planned = -1;  // -1: no plan
  std::vector<KtapResult> results;
  std::vector<std::string> nested_failures;
  std::string bail_out;

  // Empty when the document proves success, else what is wrong with it.
  [[nodiscard]] std::string problem() const;
};

// Lines that are no KTAP are left out of account, as the protocol demands.
[[nodiscard]] KtapSummary read_ktap(std::string_view text);

// The KTAP lines of an output, and no others.
[[nodiscard]] std::string ktap_lines(std::string_view text);

}  // namespace raceless::vm
