// SPDX-License-Identifier: GPL-2.0
#include "splats.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

namespace raceless::vm {
namespace {

constexpr std::array<std::pair<const char*, SplatClass>, 5> classes = {{
    {"allow", SplatClass::Allow},
    {"panic", SplatClass::Panic},
    {"oops", SplatClass::Oops},
    {"stall", SplatClass::Stall},
    {"splat", SplatClass::Splat},
}};

std::optional<SplatClass> class_named(std::string_view name) {
  for (const auto& [text, which] : classes)
    if (name == text) return which;
  return std::nullopt;
}

// "[   12.345678]" or "[ T123]" or "[    C0]" at the front, with the space behind it.
bool strip_bracket(std::string_view& line) {
  if (line.empty() || line.front() != '[') return false;
  std::size_t end = line.find(']');
  if (end > 24) return false;  // or there is none
  std::string_view inside = line.substr(1, end - 1);
  inside.remove_prefix(std::min(inside.find_first_not_of(' '), inside.size()));
  if (!inside.empty() && (inside.front() == 'T' || inside.front() == 'C')) inside.remove_prefix(1);
  if (inside.empty() || inside.find_first_not_of("0123456789.") != std::string_view::npos)
    return false;
  line.remove_prefix(end + 1);
  return true;
}

}  // namespace

const char* name_of(SplatClass which) {
  for (const auto& [text, known] : classes)
    if (known == which) return text;
  return "?";
}

std::string message_of(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  bool stamped = false;
  while (strip_bracket(line)) stamped = true;
  if (stamped && !line.empty() && line.front() == ' ') line.remove_prefix(1);
  return std::string(line);
}

void SplatRules::Free::operator()(regex_t* r) const {
  regfree(r);
  delete r;
}

Result<SplatRules> SplatRules::load(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) return fail_errno("cannot read the splat rules " + file.string());
  std::ostringstream text;
  text << in.rdbuf();
  return parse(text.str(), file.string());
}

Result<SplatRules> SplatRules::parse(std::string_view text, const std::string& name) {
  SplatRules rules;
  std::istringstream lines{std::string(text)};
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    std::size_t end = line.find_first_of(" \t");
    std::size_t start = std::min(line.find_first_not_of(" \t", end), line.size());
    auto which = class_named(std::string_view(line).substr(0, end));
    if (!which || start == line.size())
      return fail(0, fmt::format("{}:{}: needs a class (allow, panic, oops, stall or splat) and a "
                                 "pattern",
                                 name, number));
    auto regex = compile(line.substr(start));
    if (!regex) return fail(0, fmt::format("{}:{}: {}", name, number, regex.error().context));
    rules.rules_.push_back({*which, std::move(*regex)});
  }
  if (rules.rules_.empty()) return fail(0, name + " has no splat rules");
  return rules;
}

Result<SplatRules::Regex> SplatRules::compile(const std::string& pattern) {
  auto raw = std::make_unique<regex_t>();
  int code = regcomp(raw.get(), pattern.c_str(), REG_EXTENDED | REG_NOSUB);
  if (code == 0) return Regex(raw.release());
  char why[128];
  regerror(code, raw.get(), why, sizeof why);
  return fail(EINVAL, fmt::format("the pattern {}: {}", pattern, why));
}

Status SplatRules::allow(const std::string& pattern) {
  auto regex = compile(pattern);
  if (!regex) return tl::unexpected(regex.error());
  allowed_.push_back(std::move(*regex));
  return {};
}

bool SplatRules::allowed(const std::string& message) const {
  return std::any_of(allowed_.begin(), allowed_.end(), [&](const Regex& regex) {
    return regexec(regex.get(), message.c_str(), 0, nullptr, 0) == 0;
  });
}

std::optional<SplatClass> SplatRules::classify(const std::string& message) const {
  for (const Rule& rule : rules_) {
    if (regexec(rule.regex.get(), message.c_str(), 0, nullptr, 0) != 0) continue;
    if (rule.which == SplatClass::Allow) return std::nullopt;
    return rule.which;
  }
  return std::nullopt;
}

SplatScan SplatRules::scan(std::string_view log, std::size_t limit) const {
  SplatScan found;
  std::vector<Splat> report;  // complaints since "cut here"
  bool in_report = false;
  bool report_allowed = false;
  auto end_report = [&] {
    if (report_allowed)
      ++found.allowed_warnings;
    else
      found.splats.insert(found.splats.end(), report.begin(), report.end());
    report.clear();
    in_report = report_allowed = false;
  };
  std::size_t number = 0;
  while (!log.empty() && found.splats.size() < limit) {
    std::size_t end = std::min(log.find('\n'), log.size());
    std::string message = message_of(log.substr(0, end));
    log.remove_prefix(std::min(end + 1, log.size()));
    ++number;
    if (message.starts_with("------------[ cut here ]")) {
      end_report();
      in_report = true;
    } else if (allowed(message)) {
      report_allowed = in_report;
    } else if (auto which = classify(message)) {
      (in_report ? report : found.splats).push_back({*which, number, message});
    }
    if (in_report && message.starts_with("---[ end trace")) end_report();
  }
  end_report();
  return found;
}

}  // namespace raceless::vm
