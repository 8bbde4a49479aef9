// SPDX-License-Identifier: GPL-2.0
#include "case_file.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace raceless::vm {
namespace {

namespace fs = std::filesystem;

using Setter = std::function<std::string(const std::string&)>;  // a problem in words, or nothing

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> all;
  for (std::string word; in >> word;) all.push_back(word);
  return all;
}

Setter whole_number(unsigned& to, unsigned low, unsigned high) {
  return [&to, low, high](const std::string& text) -> std::string {
    unsigned value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high)
      return fmt::format("'{}' is no number from {} to {}", text, low, high);
    to = value;
    return {};
  };
}

Setter word_list(std::vector<std::string>& to) {
  return [&to](const std::string& text) -> std::string {
    to = words(text);
    return to.empty() ? "names nothing" : "";
  };
}

Setter whole_text(std::string& to) {
  return [&to](const std::string& text) -> std::string {
    to = text;
    return text.empty() ? "says nothing" : "";
  };
}

// Its path below the folder of all cases, or just its file's name, without the extension.
std::string case_name(const fs::path& path) {
  fs::path name = path.stem();
  for (fs::path folder = path.parent_path(); folder.has_filename(); folder = folder.parent_path()) {
    if (folder.filename() == "cases") return name.string();
    name = folder.filename() / name;
  }
  return path.stem().string();
}

std::map<std::string, Setter> setters(CaseFile& c) {
  return {
      {"smp", whole_number(c.smp, 1, 64)},
      {"memory", whole_number(c.memory_mib, 128, 65536)},
      {"replays", whole_number(c.replays, 1, 1000)},
      {"timeout", whole_number(c.timeout_s, 1, 86400)},
      {"kernels", word_list(c.kernels)},
      {"modules", word_list(c.modules)},
      {"programs", word_list(c.programs)},
      {"files", word_list(c.files)},
      {"append", whole_text(c.append)},
      {"allow", whole_text(c.allow)},
      {"needs",
       [&c](const std::string& text) -> std::string {
         for (const std::string& word : words(text)) {
           if (word == "raceless")
             c.raceless = c.results = true;
           else if (word == "results")
             c.results = true;
           else if (word == "kmod")
             c.kmod = true;
           else
             return fmt::format("'{}' is unknown; there are raceless, results, kmod", word);
         }
         return {};
       }},
      {"expect",
       [&c](const std::string& text) -> std::string {
         auto verdict = verdict_named(text);
         if (!verdict) return fmt::format("'{}' is no verdict", text);
         c.expect = *verdict;
         return {};
       }},
      {"cause",
       [&c](const std::string& text) -> std::string {
         try {
           (void)std::regex(text, std::regex::extended);
         } catch (const std::regex_error& error) {
           return error.what();
         }
         c.cause = text;
         return {};
       }},
  };
}

}  // namespace

bool CaseFile::runs_on(const std::string& kernel_name) const {
  const auto listed = [this](const std::string& word) {
    return std::find(kernels.begin(), kernels.end(), word) != kernels.end();
  };
  if (listed("!" + kernel_name)) return false;
  return listed(kernel_name) ||
         std::none_of(kernels.begin(), kernels.end(),
                      [](const std::string& word) { return !word.starts_with('!'); });
}

Result<CaseFile> parse_case(const fs::path& path, const std::string& text) {
  CaseFile c;
  c.path = path;
  c.name = case_name(path);
  auto known = setters(c);
  std::set<std::string> given;
  std::istringstream lines(text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line) && line.starts_with('#');) {
    ++number;
    // "# key: value"; prose may have colons too, but not right after a lone first word
    std::size_t colon = line.find(':');
    if (!line.starts_with("# ") || colon == std::string::npos) continue;
    std::string key = line.substr(2, colon - 2);
    if (key.empty() || key.find_first_not_of("abcdefghijklmnopqrstuvwxyz") != std::string::npos)
      continue;
    auto setter = known.find(key);
    std::string value = line.substr(std::min(line.find_first_not_of(' ', colon + 1), line.size()));
    std::string problem = setter == known.end() ? "is no key of a case" : setter->second(value);
    if (problem.empty() && !given.insert(key).second) problem = "is given twice";
    if (!problem.empty())
      return fail(EINVAL, fmt::format("{}:{}: {}: {}", path.string(), number, key, problem));
  }
  return c;
}

Result<CaseFile> read_case(const fs::path& path) {
  std::ifstream in(path);
  if (!in || fs::is_directory(path)) return fail(ENOENT, "cannot read the case " + path.string());
  std::ostringstream text;
  text << in.rdbuf();
  return parse_case(path, text.str());
}

Result<std::vector<CaseFile>> find_cases(const fs::path& folder, const std::string& only) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error))
    if (entry.path().extension() == ".sh") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<CaseFile> cases;
  std::string names;
  for (const fs::path& path : paths) {
    std::string name = case_name(path);
    names += " " + name;
    if (!only.empty() && fnmatch(only.c_str(), name.c_str(), 0) != 0) continue;
    auto read = read_case(path);
    if (!read) return tl::unexpected(read.error());
    cases.push_back(*read);
  }
  if (cases.empty())
    return fail(EINVAL,
                fmt::format("no case {} in {}; there are:{}", only, folder.string(), names));
  return cases;
}

void apply_case(const CaseFile& file, const Project& project, RunSpec& spec) {
  spec.name = file.name;
  spec.smp = file.smp;
  spec.memory_mib = file.memory_mib;
  spec.timeout_s = file.timeout_s;
  spec.results_disk = file.results;
  if (file.replays > 0) spec.record = true;
  spec.replays = std::max(spec.replays, file.replays);
  // One thread of the host does what the case's limit reckons with several for.
  if (spec.record) spec.timeout_s *= 4;
  spec.demand_ktap = true;
  spec.audit = file.raceless;
  if (!file.append.empty()) spec.append.push_back(file.append);
  if (!file.allow.empty()) spec.allow.push_back(file.allow);
  spec.files.modules = file.modules;
  spec.files.raceless = spec.files.command = file.raceless;
  spec.files.kmod = file.kmod;
  for (const std::string& name : file.programs)
    spec.files.programs.push_back(
        name.find('/') == std::string::npos ? name : (project.source / name).string());
  spec.files.argv = {"/bin/sh", "/case/script"};
  spec.files.files.emplace_back(file.path, "/case/script");
  spec.files.files.emplace_back(project.source / "vm/cases/ktap", "/case/ktap");
  for (std::string text : file.files) {
    for (std::size_t at; (at = text.find("$RELEASE")) != std::string::npos;)
      text.replace(at, 8, spec.kernel.release);
    std::size_t colon = text.find(':');
    spec.files.files.emplace_back(project.source / text.substr(0, colon),
                                  colon == std::string::npos ? "" : text.substr(colon + 1));
  }
}

}  // namespace raceless::vm
