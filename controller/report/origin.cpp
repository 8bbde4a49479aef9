// SPDX-License-Identifier: GPL-2.0
#include "report/origin.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "plan.h"

namespace raceless {

namespace {

using nlohmann::json;

std::string quoted(const std::string& word) {
  const auto is_plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_-+=:,./@%").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::ranges::all_of(word, is_plain)) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

// As parse_duration() reads it.
std::string duration_word(uint64_t ns) {
  constexpr uint64_t kSecond = 1'000'000'000;
  constexpr uint64_t kMs = 1'000'000;
  if (ns % kSecond == 0) return fmt::format("{}s", ns / kSecond);
  return ns % kMs == 0 ? fmt::format("{}ms", ns / kMs) : fmt::format("{}ns", ns);
}

// What KERNEL= selects: "6.12" of "6.12.117+deb12-cloud-amd64", "6.12-rt" of its PREEMPT_RT sister.
std::string selector(const std::string& release) {
  const size_t minor = release.find('.');
  const size_t end =
      minor == std::string::npos
          ? release.size()
          : std::min(release.find_first_not_of("0123456789", minor + 1), release.size());
  return release.substr(0, end) + (release.find("-rt") == std::string::npos ? "" : "-rt");
}

// Of bench/run, by the name of a benchmark. The pairs are run on both clocks, the gate on the one
// that counts instructions alone.
std::string part_of(const std::string& name, const std::string& clock) {
  const std::string first = name.substr(0, name.find('/'));
  return clock == "instructions" && first != "gate" ? "instructions" : first;
}

constexpr std::array kIntervals = {"--load-interval", "--unload-interval", "--use-interval"};

}  // namespace

std::string shell_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + quoted(word);
  return text;
}

std::string storm_command(const json& run) {
  const json& parameters = run.at("parameters");
  const json& context = run.at("context");
  std::vector<std::string> words = {
      "raceless",   "storm",
      "--target",   parameters.at("target"),
      "--duration", duration_word(parameters.at("duration_ns").get<uint64_t>()),
      "--seed",     context.at("seed").dump()};
  for (const Role role : kRoles) {
    const std::string name = std::string(role_name(role)) + "s";
    words.push_back("--" + name);
    words.push_back(parameters.at(name).at("threads").dump());
    const json& pacing = parameters.at(name);
    // One pause for all is what was asked for; a target's own pacing is none.
    if (pacing.at("pause_min_ns") != pacing.at("pause_max_ns") || pacing.at("tight_percent") != 0)
      continue;
    words.emplace_back(kIntervals.at(static_cast<size_t>(role)));
    words.push_back(duration_word(pacing.at("pause_min_ns").get<uint64_t>()));
  }
  for (const auto& [option, member] :
       {std::pair{"--timeout", "timeout_ns"}, std::pair{"--stuck-after", "stuck_after_ns"}}) {
    words.emplace_back(option);
    words.push_back(duration_word(parameters.at(member).get<uint64_t>()));
  }
  words.insert(words.end(), {"--leak-check", parameters.at("leak_check_unloads").dump()});
  if (parameters.value("max_uses", uint64_t{0}) != 0)
    words.insert(words.end(), {"--uses", parameters.at("max_uses").dump()});
  for (const auto& [option, member] :
       {std::pair{"--workload", "workload"}, std::pair{"--module-options", "module_options"}})
    if (const std::string text = parameters.at(member); !text.empty()) {
      words.emplace_back(option);
      words.push_back(text);
    }
  if (context.at("gate") == "on") words.insert(words.end(), {"--gate", "on"});
  if (!parameters.at("trace").get<bool>()) words.emplace_back("--no-trace");
  return shell_words(words);
}

std::string bench_command(const BenchmarkFile& file) {
  const std::string name = file.benchmarks.empty() ? "" : file.benchmarks.front().name;
  const std::string part = part_of(name, file.context.at("clock"));
  return shell_words({"make", "bench", "KERNEL=" + selector(file.context.at("kernel")),
                      "SMP=" + file.context.at("vcpus").get<std::string>(), "PART=" + part});
}

std::string bench_command(const Ratios& ratios) {
  std::set<std::string> kernels;
  std::set<std::string> parts;
  std::string cpus;
  for (const json& ratio : ratios.ratios) {
    kernels.insert(selector(ratio.at("kernel")));
    const std::string numerator = ratio.at("numerator");
    const std::string clock = ratio.at("clock");
    parts.insert(part_of(numerator, clock));
    if (clock != "instructions") cpus = ratio.at("vcpus");
  }
  return shell_words({"make", "bench", fmt::format("KERNEL={}", fmt::join(kernels, ",")),
                      "SMP=" + (cpus.empty() ? "1" : cpus),
                      fmt::format("PART={}", fmt::join(parts, ","))});
}

}  // namespace raceless
