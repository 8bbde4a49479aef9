// SPDX-License-Identifier: GPL-2.0
// The series of a run by column, and packed for a page.
#ifndef RACELESS_CONTROLLER_REPORT_SERIES_H
#define RACELESS_CONTROLLER_REPORT_SERIES_H

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "result.h"

namespace raceless {

struct Series {
  std::vector<std::string> names;
  std::vector<std::vector<uint64_t>> columns;  // one for each name

  [[nodiscard]] size_t rows() const { return columns.empty() ? 0 : columns.front().size(); }
  // The first row decides about the names.
  [[nodiscard]] Status add(const nlohmann::json& row);
};

// {names, rows, shown, packed}: packed is base64 of zlib's deflate of each column, one after the
// other, as differences in zigzag varints. Of a series that is larger than `most_bytes` every
// second row is shown, every third, … and the last one: the numbers are totals, so that only
// resolution is lost.
[[nodiscard]] nlohmann::json pack_series(const Series& series, size_t most_bytes);

}  // namespace raceless

#endif
