// SPDX-License-Identifier: GPL-2.0
#include "audit/maps.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "device.h"
#include "histogram.h"
#include "printable.h"
#include "uapi/raceless.h"

namespace raceless {

namespace {

using nlohmann::json;
using Dump = std::function<Result<json>(const std::string&)>;

constexpr const char* kRun = "run.json";
constexpr const char* kBpftool = "bpftool";

// The map's name and that of the histogram in run.json, where the storm has one of its own.
constexpr std::array<std::pair<const char*, const char*>, 11> kHistograms = {{
    {"init_ns", "init_ns"},
    {"stop_ns", "stop_ns"},
    {"grace_ns", "grace_ns"},
    {"drain_ns", "drain_ns"},
    {"destroy_ns", "destroy_ns"},
    {"flight_ns", "flight_ns"},
    {"failed_wait_ns", "failed_wait_ns"},
    {"unload_grace_ns", "unload_grace_ns"},
    {"reload_wait_ns", "traced_reload_wait_ns"},
    {"load_ns", "traced_load_ns"},
    {"unload_ns", "traced_unload_ns"},
}};

// Fields of the maps with sums, by their name in run.json where that is another.
constexpr std::array<std::pair<const char*, const char*>, 6> kRenamed = {{
    {"expedited", "grace_expedited"},
    {"polite", "grace_polite"},
    {"loads", "module_loads"},
    {"frees", "module_frees"},
    {"requests", "module_requests"},
    {"get_failures", "module_get_failures"},
}};

// bpftool prints keys and values as bytes, and as the map's BTF has them.
std::uint32_t key_of(const json& entry) {
  std::uint32_t key = 0;
  for (std::size_t i = 0; i < sizeof(key); i++) {
    const std::string byte = entry.at("key").at(i);
    key |= static_cast<std::uint32_t>(std::strtoul(byte.c_str(), nullptr, 16)) << (8 * i);
  }
  return key;
}

const json& value_of(const json& entry) { return entry.at("formatted").at("value"); }

class Maps {
 public:
  Maps(const json& run, const Dump& dump, Comparison& comparison)
      : run_(run),
        counters_(run.at("tracing").at("counters")),
        dump_(dump),
        comparison_(comparison) {}

  Status compare() {
    for (const auto& [map, name] : kHistograms)
      if (Status compared = histogram(map, name); !compared) return compared;
    for (const char* map : {"totals", "module_totals"})
      if (Status compared = sums(map); !compared) return compared;
    Status compared = counts(
        "transitions", [](std::uint32_t key) { return std::string("to_") + state_name(key); });
    if (compared)
      compared = counts("get_reasons", [](std::uint32_t key) {
        return std::string("get_failures_") + reason_name(key);
      });
    if (compared)
      compared =
          counts("broken", [](std::uint32_t key) { return "broken_" + std::to_string(key); });
    if (compared) compared = all_of("load_results");
    if (compared) compared = all_of("unload_results");
    return compared;
  }

 private:
  void same(const std::string& map, const std::string& name, const json& said, const json& dumped) {
    const auto number = [](const json& value) {
      return value.is_number_unsigned() ? std::optional(value.get<std::uint64_t>()) : std::nullopt;
    };
    comparison_.add("map " + map + ": " + name, {{kRun, number(said)}, {kBpftool, number(dumped)}});
  }

  Status histogram(const std::string& map, const std::string& name) {
    const Result<json> entries = dump_(map);
    if (!entries) return tl::unexpected(entries.error());
    const json& said = run_.at("histograms").value(name, json::object());
    const json& dumped = value_of(entries->at(0));
    for (const char* part : {"count", "sum", "max"})
      same(map, part, said.value(part, json()), dumped.at(part));
    // run.json names buckets by their lower bounds, and leaves the empty ones out.
    json buckets = json::array();
    const json& all = dumped.at("buckets");
    for (std::size_t i = 0; i < all.size(); i++)
      if (all.at(i) != 0)
        buckets.push_back(
            {std::uint64_t{raceless_hist_lower(static_cast<std::uint32_t>(i))}, all.at(i)});
    comparison_.add(
        "map " + map + ": buckets",
        {{"the same", 1}, {kBpftool, said.value("buckets", json()) == buckets ? 1 : 0}});
    return {};
  }

  Status sums(const std::string& map) {
    const Result<json> entries = dump_(map);
    if (!entries) return tl::unexpected(entries.error());
    for (const auto& [field, value] : value_of(entries->at(0)).items()) {
      std::string name = field;
      for (const auto& [from, to] : kRenamed)
        if (field == from) name = to;
      same(map, name, counters_.value(name, json()), value);
    }
    return {};
  }

  Status counts(const std::string& map, const std::function<std::string(std::uint32_t)>& name_of) {
    const Result<json> entries = dump_(map);
    if (!entries) return tl::unexpected(entries.error());
    for (const json& entry : *entries) {
      const std::string name = name_of(key_of(entry));
      same(map, name, counters_.value(name, json()), value_of(entry));
    }
    return {};
  }

  // By module and outcome in the map, by outcome in run.json.
  Status all_of(const std::string& map) {
    const Result<json> entries = dump_(map);
    if (!entries) return tl::unexpected(entries.error());
    std::uint64_t dumped = 0;
    for (const json& entry : *entries) dumped += value_of(entry).get<std::uint64_t>();
    std::uint64_t said = 0;
    for (const auto& [name, value] : counters_.items())
      if (name.starts_with(map + "_")) said += value.get<std::uint64_t>();
    same(map, "all", said, dumped);
    return {};
  }

  const json& run_;
  const json& counters_;
  const Dump& dump_;
  Comparison& comparison_;
};

}  // namespace

Result<json> dump_map(const std::string& path) {
  const std::string command = "bpftool -j map dump pinned " + shell_quoted(path);
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) return fail_errno("cannot run bpftool");
  std::string text;
  std::array<char, 4096> buffer{};
  while (const std::size_t bytes = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
    text.append(buffer.data(), bytes);
  json dump = json::parse(text, nullptr, false);
  if (!dump.is_array()) return fail(0, "'" + command + "' does not print the map");
  return dump;
}

Status compare_maps(const json& run, const Dump& dump, Comparison& comparison) {
  return Maps(run, dump, comparison).compare();
}

}  // namespace raceless
