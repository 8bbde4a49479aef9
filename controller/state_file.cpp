// SPDX-License-Identifier: GPL-2.0
#include "state_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "numbers.h"
#include "text_file.h"
#include "uapi/raceless.h"

namespace raceless {

namespace {

// "# total KEY… VALUE": the key is everything between, so that it may be of several words.
std::optional<std::pair<std::string, uint64_t>> parse_total(const std::vector<std::string>& words) {
  const std::optional<uint64_t> value = to_number(words.back());
  if (words.size() < 4 || !value) return std::nullopt;
  std::string key = words[2];
  for (size_t i = 3; i + 1 < words.size(); i++) key += " " + words[i];
  return std::pair(key, *value);
}

// "# histogram NAME count=N sum=N max=N LOWER:N…"
std::optional<std::pair<std::string, raceless_hist>> parse_histogram(
    const std::vector<std::string>& words) {
  raceless_hist hist{};
  if (words.size() < 6) return std::nullopt;
  for (size_t i = 3; i < words.size(); i++) {
    const size_t cut = words[i].find_first_of("=:");
    if (cut == std::string::npos) return std::nullopt;
    const std::string key = words[i].substr(0, cut);
    const auto lower = to_number(key);
    const auto number = to_number(words[i].substr(cut + 1));
    if (!number) return std::nullopt;
    if (lower)
      hist.buckets[raceless_hist_bucket(*lower)] += *number;
    else
      (key == "count" ? hist.count : key == "sum" ? hist.sum : hist.max) = *number;
  }
  return std::pair(words[2], hist);
}

}  // namespace

std::string SlotState::text(const std::string& column) const {
  const auto found = columns_.find(column);
  return found == columns_.end() || found->second == "-" ? "" : found->second;
}

uint64_t SlotState::number(const std::string& column) const {
  return to_number(text(column)).value_or(0);
}

Result<StateFile> StateFile::read(const std::string& root) {
  const Result<std::string> text = read_text(root + RACELESS_STATE_FILE);
  if (!text) return tl::unexpected(text.error());
  return parse(*text);
}

Result<StateFile> StateFile::parse(std::string_view text, const std::string& path) {
  StateFile file;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = split_words(line);
    if (words.empty()) continue;
    if (words[0] != "#") {
      if (words.size() != file.columns_.size())
        return fail(EPROTO,
                    fmt::format("{} has a line that does not fit its columns: '{}'", path, line));
      std::map<std::string, std::string> columns;
      for (size_t i = 0; i < words.size(); i++) columns[file.columns_[i]] = words[i];
      file.slots_.emplace_back(std::move(columns));
    } else if (words.size() > 1 && words[1] == "name") {
      file.columns_.assign(words.begin() + 1, words.end());
    } else if (words.size() > 1 && words[1] == "total") {
      if (auto total = parse_total(words)) file.totals_.insert(std::move(*total));
    } else if (words.size() > 1 && words[1] == "histogram") {
      auto histogram = parse_histogram(words);
      if (!histogram)
        return fail(EPROTO,
                    fmt::format("{} has a histogram that makes no sense: '{}'", path, line));
      file.histograms_.insert(std::move(*histogram));
    }
  }
  if (file.columns_.empty()) return fail(EPROTO, path + " does not name its columns");
  return file;
}

bool StateFile::has_column(const std::string& column) const {
  return std::ranges::find(columns_, column) != columns_.end();
}

const SlotState* StateFile::find(const std::string& name) const {
  for (const SlotState& slot : slots_)
    if (slot.text("name") == name) return &slot;
  return nullptr;
}

std::optional<uint64_t> StateFile::total(const std::string& key) const {
  const auto found = totals_.find(key);
  return found == totals_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace raceless
