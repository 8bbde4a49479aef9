// SPDX-License-Identifier: GPL-2.0
#include "audit/ledger.h"

#include <fmt/format.h>

#include <sstream>

#include "numbers.h"
#include "text_file.h"
#include "uapi/raceless.h"

namespace raceless {

namespace {

constexpr const char* kFile = "/proc/raceless_ledger";

std::uint64_t value_of(const std::map<std::string, std::uint64_t>& counts, const std::string& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

// One line into the last book. False: it makes no sense.
bool add_line(const std::vector<std::string>& words, Ledger& ledger) {
  const std::optional<std::uint64_t> value = to_number(words.back());
  if (words[0] == "book" && words.size() == 3) {
    ledger.books.emplace_back().closed = words[2] == "closed";
    return words[2] == "closed" || words[2] == "open";
  }
  if (!value) return false;
  if (words[0] == "lost" && words.size() == 2) {
    ledger.lost = *value;
    return true;
  }
  if (ledger.books.empty()) return false;
  if (words[0] == "total" && words.size() == 3)
    return ledger.books.back().totals.emplace(words[1], *value).second;
  return words.size() == 2 && ledger.books.back().counts.emplace(words[0], *value).second;
}

}  // namespace

// Transitions that did not happen are left out of the file.
std::uint64_t Book::transitions(unsigned from, unsigned to) const {
  return value_of(counts, fmt::format("transition_{}_{}", from, to));
}

std::uint64_t Book::transitions_ns(unsigned from, unsigned to) const {
  return value_of(counts, fmt::format("transition_{}_{}_ns", from, to));
}

std::uint64_t Book::entered(unsigned state) const {
  std::uint64_t sum = 0;
  for (unsigned from = 0; from <= RACELESS_DESTROYING; from++) sum += transitions(from, state);
  return sum;
}

std::uint64_t Book::left(unsigned state) const {
  std::uint64_t sum = 0;
  for (unsigned to = 0; to <= RACELESS_DESTROYING; to++) sum += transitions(state, to);
  return sum;
}

Result<Ledger> Ledger::read(const std::string& root) {
  const Result<std::string> text = read_text(root + kFile);
  if (!text) return tl::unexpected(text.error());
  return parse(*text);
}

Result<Ledger> Ledger::parse(std::string_view text) {
  Ledger ledger;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = split_words(line);
    if (words.size() < 2 || !add_line(words, ledger))
      return fail(EPROTO, fmt::format("{} has a line that makes no sense: '{}'", kFile, line));
  }
  return ledger;
}

}  // namespace raceless
