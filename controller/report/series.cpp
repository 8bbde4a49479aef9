// SPDX-License-Identifier: GPL-2.0
#include "report/series.h"

#include <fmt/format.h>
#include <zlib.h>

#include <nlohmann/json.hpp>
#include <string_view>

namespace raceless {

namespace {

void append_varint(std::string& bytes, uint64_t value) {
  while (value >= 128) {
    bytes += static_cast<char>(0x80 | (value & 0x7f));
    value >>= 7;
  }
  bytes += static_cast<char>(value);
}

// A small number for a small difference, up or down.
uint64_t zigzag(uint64_t from, uint64_t to) {
  return to >= from ? 2 * (to - from) : 2 * (from - to) - 1;
}

// Each `stride`-th row, and the last one.
std::vector<size_t> chosen_rows(size_t rows, size_t stride) {
  std::vector<size_t> chosen;
  for (size_t row = 0; row < rows; row += stride) chosen.push_back(row);
  if (rows != 0 && chosen.back() != rows - 1) chosen.push_back(rows - 1);
  return chosen;
}

std::string differences(const Series& series, const std::vector<size_t>& rows) {
  std::string bytes;
  for (const std::vector<uint64_t>& column : series.columns) {
    uint64_t before = 0;
    for (const size_t row : rows) {
      append_varint(bytes, zigzag(before, column[row]));
      before = column[row];
    }
  }
  return bytes;
}

std::string deflated(const std::string& bytes) {
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  // Cannot fail: the buffer is as large as it may get, and memory that is not there throws before.
  compress(reinterpret_cast<Bytef*>(out.data()), &size,
           reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  out.resize(size);
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t three = 0;
    for (size_t j = 0; j < 3; j++)
      three = three << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0U);
    for (size_t j = 0; j < 4; j++)
      out += i + j <= bytes.size() ? kDigits[three >> (18 - 6 * j) & 0x3f] : '=';
  }
  return out;
}

}  // namespace

Status Series::add(const nlohmann::json& row) {
  if (names.empty()) {
    for (const auto& [name, value] : row.items()) names.push_back(name);
    columns.resize(names.size());
  }
  const size_t number = rows();
  if (row.size() != names.size())
    return fail(0, fmt::format("row {} of its series has other members than the first", number));
  for (const std::string& name : names)
    if (const auto value = row.find(name); value == row.end() || !value->is_number_unsigned())
      return fail(0, fmt::format("row {} of its series has no number '{}'", number, name));
  for (size_t i = 0; i < names.size(); i++) columns[i].push_back(row[names[i]].get<uint64_t>());
  return {};
}

nlohmann::json pack_series(const Series& series, size_t most_bytes) {
  size_t stride = 1;
  std::vector<size_t> rows = chosen_rows(series.rows(), stride);
  std::string packed = base64(deflated(differences(series, rows)));
  while (packed.size() > most_bytes && rows.size() > 2) {
    stride *= packed.size() / most_bytes + 1;
    rows = chosen_rows(series.rows(), stride);
    packed = base64(deflated(differences(series, rows)));
  }
  return {{"names", series.names},
          {"rows", series.rows()},
          {"shown", rows.size()},
          {"packed", std::move(packed)}};
}

}  // namespace raceless
