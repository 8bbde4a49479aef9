// SPDX-License-Identifier: GPL-2.0
#include "gate/gate_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "duration.h"
#include "histogram.h"
#include "text_file.h"
#include "uapi/gate.h"

namespace raceless {

namespace {

constexpr const char* kBounds[] = {"hold_ms", "exit_ms", "lease_ms", "delete_ms"};
constexpr const char* kSkipped = "skipped_programs";
constexpr const char* kNow[] = {"calls_now", "leases_now"};

bool is_one_of(const std::string& key, std::span<const char* const> keys) {
  return std::ranges::find(keys, key) != keys.end();
}

std::string line(const std::string& name, const std::string& text) {
  return fmt::format("{:<14} {}\n", name, text.empty() ? "none" : text);
}

std::string list(const std::map<std::string, uint64_t>& counts) {
  std::string text;
  for (const auto& [name, value] : counts)
    if (value != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
  return text;
}

Histogram histogram_of(const raceless_hist& raw) {
  Histogram histogram;
  histogram.merge(raw);
  return histogram;
}

}  // namespace

Result<GateState> GateState::read(const std::string& root) {
  const Result<std::string> text = read_text(root + RACELESS_GATE_FILE);
  if (!text) return tl::unexpected(text.error());
  return parse(*text);
}

Result<GateState> GateState::parse(std::string_view text) {
  Result<StateFile> file = StateFile::parse(text);
  if (!file) return tl::unexpected(file.error());
  return GateState(std::move(*file));
}

uint64_t GateState::total(const std::string& key) const { return file_.total(key).value_or(0); }

GateState::Table GateState::by_syscall() const {
  Table table;
  for (const auto& [key, value] : file_.totals()) {
    const std::vector<std::string> words = split_words(key);
    if (words.size() == 3 && words[0] == "syscall") table[words[1]][words[2]] = value;
  }
  return table;
}

GateState::Table GateState::by_module() const {
  Table table;
  for (const SlotState& module : file_.slots())
    for (const auto& [key, value] : file_.totals()) {
      const uint64_t number = module.number(key);
      if (number != 0) table[module.text("name")][key] = number;
    }
  return table;
}

std::string GateState::text(const GatePrograms& programs) const {
  std::map<std::string, uint64_t> counts;
  std::map<std::string, uint64_t> opens{{kSkipped, programs.skipped}};
  std::map<std::string, uint64_t> bounds;
  for (const auto& [key, value] : file_.totals()) {
    const std::vector<std::string> words = split_words(key);
    if (words.size() == 2 && words[0] == "open") opens[words[1]] = value;
    if (words.size() != 1 || key == "on" || is_one_of(key, kNow)) continue;
    (is_one_of(key, kBounds) ? bounds : counts)[key] = value;
  }
  std::string out =
      line("gate", fmt::format("{}, {} programs", on() ? "on" : "off", programs.count));
  out += line("now", fmt::format("{} calls, {} leases", total("calls_now"), total("leases_now")));
  out += line("counts", list(counts));
  out += line("let through", list(opens));
  out += line("bounds", list(bounds));
  for (const auto& [name, row] : by_syscall()) out += line(name, list(row));
  for (const auto& [name, row] : by_module()) out += line("[" + name + "]", list(row));
  for (const auto& [name, raw] : file_.histograms()) {
    const Histogram histogram = histogram_of(raw);
    const bool is_time = name.ends_with("_ns");
    const auto show = [&](uint64_t value) {
      return is_time ? format_duration(value) : std::to_string(value);
    };
    if (histogram.count() == 0) continue;
    out += line(is_time ? name.substr(0, name.size() - 3) : name,
                fmt::format("{} times, p50 {}, p99 {}, max {}", histogram.count(),
                            show(histogram.quantile(0.5)), show(histogram.quantile(0.99)),
                            show(histogram.max())));
  }
  return out;
}

nlohmann::json GateState::json(const GatePrograms& programs) const {
  nlohmann::json out = {{"on", on()},
                        {"programs", programs.count},
                        {"counts", nlohmann::json::object()},
                        {"let_through", {{kSkipped, programs.skipped}}},
                        {"bounds", nlohmann::json::object()},
                        {"now", nlohmann::json::object()},
                        {"syscalls", by_syscall()},
                        {"modules", by_module()},
                        {"histograms", nlohmann::json::object()}};
  for (const auto& [key, value] : file_.totals()) {
    const std::vector<std::string> words = split_words(key);
    if (words.size() == 2 && words[0] == "open") out["let_through"][words[1]] = value;
    if (words.size() != 1 || key == "on") continue;
    out[is_one_of(key, kBounds) ? "bounds" : is_one_of(key, kNow) ? "now" : "counts"][key] = value;
  }
  for (const auto& [name, raw] : file_.histograms())
    out["histograms"][name] = histogram_of(raw).to_json();
  return out;
}

}  // namespace raceless
