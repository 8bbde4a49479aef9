// SPDX-License-Identifier: GPL-2.0
#include "ktap.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>

namespace raceless::vm {
namespace {

void each_line(std::string_view text, const std::function<void(std::string_view)>& visit) {
  while (!text.empty()) {
    std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    visit(line);
  }
}

std::string_view unindented(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return line;
}

// Takes a number from the front.
std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

struct ResultLine {
  KtapResult result;
  int number;
};

// "ok 3 - name # SKIP why", "not ok 4 name"
std::optional<ResultLine> result_line(std::string_view line) {
  ResultLine found{};
  if (line.starts_with("not ok "))
    line.remove_prefix(7);
  else if (line.starts_with("ok "))
    found.result.ok = true, line.remove_prefix(3);
  else
    return std::nullopt;
  auto number = take_number(line);
  if (!number || (!line.empty() && line.front() != ' ')) return std::nullopt;
  found.number = *number;
  line = unindented(line);
  if (line.starts_with("- ")) line.remove_prefix(2);
  std::size_t hash = line.find(" # ");
  std::string_view directive;
  if (line.starts_with("# "))
    directive = line.substr(2), line = {};
  else if (hash != std::string_view::npos)
    directive = line.substr(hash + 3), line = line.substr(0, hash);
  found.result.skipped = directive.starts_with("SKIP") || directive.starts_with("skip");
  found.result.name = std::string(line);
  return found;
}

std::optional<int> plan_line(std::string_view line) {
  if (!line.starts_with("1..")) return std::nullopt;
  line.remove_prefix(3);
  auto count = take_number(line);
  if (!count || !(line.empty() || line.front() == ' ')) return std::nullopt;
  return count;
}

bool version_line(std::string_view line) {
  return line.starts_with("KTAP version ") || line.starts_with("TAP version ");
}

bool is_ktap(std::string_view line) {
  line = unindented(line);
  return version_line(line) || line.starts_with("# ") || line.starts_with("Bail out!") ||
         plan_line(line) || result_line(line);
}

}  // namespace

KtapSummary read_ktap(std::string_view text) {
  KtapSummary summary;
  std::vector<std::string> nested;    // failures under the test that has not yet reported
  std::vector<std::string> comments;  // since a success: about the result that comes
  each_line(text, [&](std::string_view line) {
    if (line.starts_with("Bail out!")) summary.bail_out = std::string(line);
    if (version_line(line)) summary.has_version = true;
    if (line.starts_with(' ')) {
      if (auto found = result_line(unindented(line)); found && !found->result.ok)
        nested.push_back(found->result.name);
    } else if (auto count = plan_line(line)) {
      // A second plan would make the first one meaningless.
      summary.planned = summary.planned < 0 ? *count : std::max(summary.planned, *count);
    } else if (auto found = result_line(line)) {
      if (found->number != static_cast<int>(summary.results.size()) + 1)
        summary.nested_failures.push_back(fmt::format("test number {} where {} was due",
                                                      found->number, summary.results.size() + 1));
      if (found->result.ok)
        summary.nested_failures.insert(summary.nested_failures.end(), nested.begin(), nested.end());
      nested.clear();
      summary.results.push_back(found->result);
      if (!found->result.ok) summary.results.back().diagnostics = std::move(comments);
      comments.clear();
    } else if (line.starts_with("# ")) {
      const bool after_failure = !summary.results.empty() && !summary.results.back().ok;
      (after_failure ? summary.results.back().diagnostics : comments).emplace_back(line.substr(2));
    }
  });
  return summary;
}

std::string KtapSummary::problem() const {
  if (!bail_out.empty()) return bail_out;
  auto failed = std::find_if(results.begin(), results.end(), [](const auto& r) { return !r.ok; });
  if (failed != results.end()) {
    auto count = std::count_if(results.begin(), results.end(), [](const auto& r) { return !r.ok; });
    return fmt::format("{} of {} tests failed, the first: {}", count, results.size(),
                       failed->name.empty() ? "(no name)" : failed->name);
  }
  if (!nested_failures.empty()) return "failed: " + nested_failures.front();
  if (!has_version) return "no KTAP on stdout";
  if (planned < 0) return "KTAP without a plan";
  if (static_cast<std::size_t>(planned) != results.size())
    return fmt::format("{} tests were planned, {} reported", planned, results.size());
  if (planned == 0) return "a plan of no tests";
  return {};
}

std::string ktap_lines(std::string_view text) {
  std::string lines;
  each_line(text, [&](std::string_view line) {
    if (is_ktap(line)) lines.append(line).push_back('\n');
  });
  return lines;
}

}  // namespace raceless::vm
