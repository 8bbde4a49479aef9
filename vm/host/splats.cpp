// SPDX-License-Identifier: GPL-2.0
#include "splats.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <regex>
#include <sstream>

namespace raceless::vm {
namespace {

constexpr std::array<std::pair<const char*, SplatClass>, 6> classes = {{
    {"allow", SplatClass::Allow},
    {"foreign", SplatClass::Foreign},
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

constexpr std::size_t report_lines = 150;  // how far a complaint's place may be from it

// Gives complaints the places that the lines after them name: the first one in a module, which is
// what a developer looks for, else where the CPU was.
class Places {
 public:
  explicit Places(std::vector<Splat>& splats) : splats_(splats) {}
  void end_report() { open_ = splats_.size(); }
  // Before it joins the others: it is of the same report unless the last one has named its place,
  // or this is the head of one more in a row of stalls.
  void complaint(SplatClass which, const std::string& message) {
    bool placed = open_ < splats_.size() && in_module(splats_.back().place);
    bool head = which == SplatClass::Stall && message.find("INFO: ") != std::string::npos;
    if (placed || head) end_report();
  }
  void line(const std::string& message, std::size_t number) {
    std::string place = code_place(message);
    if (place.empty()) return;
    if (!in_module(place) && !message.starts_with("RIP: ")) return;
    for (std::size_t i = open_; i < splats_.size(); ++i) {
      Splat& s = splats_[i];
      bool names_it = s.text.find("+0x") != std::string::npos;
      if (number > s.line + report_lines || names_it) continue;
      if (s.place.empty() || (in_module(place) && !in_module(s.place))) s.place = place;
    }
  }

 private:
  static bool in_module(const std::string& place) { return place.ends_with(']'); }

  std::vector<Splat>& splats_;
  std::size_t open_ = 0;  // the first complaint of the report that is under way
};

constexpr std::string_view trace_title = "Call Trace:";

// Code of this project, or of a module under test, in the form that code_place() has.
bool is_ours(const std::string& place, const std::vector<std::string>& tested) {
  return place.starts_with("raceless_") || place.starts_with("bpf_prog_") ||
         place.find(" [raceless") != std::string::npos ||
         std::any_of(tested.begin(), tested.end(), [&](const std::string& module) {
           return place.ends_with(" [" + module + "]");
         });
}

// A report that says itself where it begins and ends: from "cut here" to "end trace", or between
// two lines of equals signs, of which lockdep's lack the second one.
class Report {
 public:
  explicit Report(const std::vector<std::string>& tested) : tested_(&tested) {}
  void begin(std::size_t nr_splats, bool ruled) {
    *this = Report(*tested_);
    open_ = true;
    ruled_ = ruled;
    first_ = nr_splats;
  }
  [[nodiscard]] bool is_open() const { return open_; }
  [[nodiscard]] bool is_ruled() const { return ruled_; }
  void message(const std::string& text) {
    if (is_ours(code_place(text), *tested_)) unclear_ = true;
  }
  void complaint(SplatClass which, const std::string& text) {
    if (title_.empty()) title_ = text;
    if (which == SplatClass::Foreign) foreign_ = true;
    if (which != SplatClass::Foreign && text != trace_title) unclear_ = true;
  }
  void allow() { allowed_ = open_; }
  [[nodiscard]] bool is_lockdeps() const { return ruled_ && title_.starts_with("WARNING: "); }

  // A report without its end is a complaint all the same: what it lacks may be ours.
  void end(bool whole, SplatScan& scan) {
    if (open_ && allowed_ && whole) {
      drop_frame(scan.splats);
      if (scan.splats.size() == first_) ++scan.allowed_warnings;
    } else if (open_ && foreign_ && !unclear_ && whole) {
      ++scan.foreign[title_];
      scan.splats.resize(first_);
    }
    *this = Report(*tested_);
  }

 private:
  // What each warning has beside what it warns of; not what else it complains of.
  void drop_frame(std::vector<Splat>& splats) const {
    auto begin = splats.begin() + static_cast<std::ptrdiff_t>(first_);
    if (begin != splats.end() && begin->text.starts_with("WARNING: ")) begin = splats.erase(begin);
    splats.erase(
        std::remove_if(begin, splats.end(), [](const Splat& s) { return s.text == trace_title; }),
        splats.end());
  }

  const std::vector<std::string>* tested_;
  bool open_ = false;
  bool ruled_ = false;  // by equals signs
  bool allowed_ = false;
  bool foreign_ = false;
  bool unclear_ = false;   // it names code of ours, or has one more complaint
  std::size_t first_ = 0;  // of its complaints in the scan
  std::string title_;
};

}  // namespace

std::string Splat::describe() const { return place.empty() ? text : text + " in " + place; }

std::string code_place(std::string_view message) {
  static const std::regex format(
      R"(^(RIP: 0010:| +(?:\[<[0-9a-f]+>\] )?|(INFO: )?(Allocated|Freed) in )([\w.]+\+0x[0-9a-f]+/0x[0-9a-f]+( \[\w+\])?)( age=.*)?$)");
  if (message.find("+0x") == std::string_view::npos) return {};  // a regex is slow
  std::match_results<std::string_view::const_iterator> match;
  return std::regex_match(message.begin(), message.end(), match, format) ? match[4].str() : "";
}

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
      return fail(
          0, fmt::format("{}:{}: needs a class (allow, foreign, panic, oops, stall or splat) and a "
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

void SplatRules::test(std::string module) { tested_.push_back(std::move(module)); }

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
  Places places(found.splats);
  Report report(tested_);
  auto end_report = [&](bool whole) {
    report.end(whole, found);
    places.end_report();
  };
  std::size_t number = 0;
  while (!log.empty() && found.splats.size() < limit) {
    std::size_t end = std::min(log.find('\n'), log.size());
    std::string message = message_of(log.substr(0, end));
    log.remove_prefix(std::min(end + 1, log.size()));
    ++number;
    const bool rule = message.starts_with("==========");
    if (rule && report.is_ruled()) {
      end_report(true);
    } else if (rule || message.starts_with("------------[ cut here ]")) {
      // SLUB says what was overwritten before its report begins.
      if (!rule || report.is_open()) end_report(false);
      report.begin(found.splats.size(), rule);
    } else if (allowed(message)) {
      // every report has one of these
      if (message != trace_title) report.allow();
    } else if (auto which = classify(message)) {
      report.complaint(*which, message);
      if (*which == SplatClass::Foreign) which = SplatClass::Splat;
      places.complaint(*which, message);
      found.splats.push_back({*which, number, message, {}});
    } else {
      places.line(message, number);
    }
    report.message(message);
    // The last line of an oops or a warning, of a report on slab memory, and of one of lockdep's.
    if (message.starts_with("---[ end trace") || message.starts_with("FIX ") ||
        (message == " </TASK>" && report.is_lockdeps()))
      end_report(true);
  }
  end_report(false);
  return found;
}

namespace {

// Is the first version that the text has, as in "QEMU emulator version 7.2.22", older than that?
bool is_before(std::string_view text, int major, int minor) {
  const std::size_t digit = text.find_first_of("0123456789");
  if (digit == std::string_view::npos) return false;
  std::istringstream version{std::string(text.substr(digit))};
  int its_major = 0, its_minor = 0;
  char dot = 0;
  version >> its_major >> dot >> its_minor;
  return std::pair(its_major, its_minor) < std::pair(major, minor);
}

// The bytes of the first "Code:" from there on; empty: there is none.
std::string_view code_after(std::string_view log, std::size_t from) {
  const std::size_t code = log.find("Code: ", from);
  return code == std::string_view::npos ? "" : log.substr(code, log.find('\n', code) - code);
}

bool oopsed_at_vanished_int3(std::string_view log) {
  const std::size_t oops = log.find("Oops: int3");
  if (oops == std::string_view::npos) return false;
  const std::string_view bytes = code_after(log, oops);
  const std::size_t mark = bytes.find('<');
  return mark != std::string_view::npos && mark >= 3 && bytes.substr(mark - 3, 2) != "cc";
}

// Linux before 6.3 goes back to an int3 that is gone (kprobe_int3_handler()), and takes it again.
bool stuck_at_vanished_int3(std::string_view log) {
  std::size_t stall = std::string_view::npos;
  for (const char* text : {"self-detected stall on CPU", "detected stalls on CPUs", "soft lockup"})
    stall = std::min(stall, log.find(text));
  if (stall == std::string_view::npos) return false;
  const std::size_t rip = log.find("RIP: ", stall);
  if (rip == std::string_view::npos) return false;
  const std::string_view place = log.substr(rip, log.find('\n', rip) - rip);
  const std::string_view bytes = code_after(log, rip);
  // The begin of a function, with what ftrace writes there: nothing, or a call.
  return place.find("+0x0/") != std::string_view::npos &&
         (bytes.find("<0f> 1f 44 00 00") != std::string_view::npos ||
          bytes.find("<e8>") != std::string_view::npos);
}

}  // namespace

bool died_of_vanished_int3(std::string_view log, std::string_view kernel, std::string_view qemu) {
  if (!is_before(qemu, 8, 1)) return false;
  return oopsed_at_vanished_int3(log) || (is_before(kernel, 6, 3) && stuck_at_vanished_int3(log));
}

bool stalled_before_init(const SplatRules& rules, std::string_view log) {
  const std::size_t init = log.find("Run /init as init process");
  if (init == std::string_view::npos) return false;
  const SplatScan scan = rules.scan(log.substr(0, init));
  return std::any_of(scan.splats.begin(), scan.splats.end(),
                     [](const Splat& s) { return s.which == SplatClass::Stall; });
}

}  // namespace raceless::vm
