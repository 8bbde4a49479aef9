// SPDX-License-Identifier: GPL-2.0
#include "report/stored_benchmarks.h"

#include <algorithm>
#include <array>
#include <map>

#include "text_file.h"

namespace raceless {

namespace {

using nlohmann::json;

constexpr std::array<const char*, 5> kContext = {"kernel", "accel", "vcpus", "commit", "clock"};

Result<json> read_json(const std::string& path) {
  const Result<std::string> text = read_text(path);
  if (!text) return tl::unexpected(text.error());
  json file = json::parse(*text, nullptr, false);
  if (file.is_discarded())
    return fail(0,
                "cannot report on " + path +
                    ": it is not JSON, or cut short; the benchmarks did not end, or the file was "
                    "not copied whole");
  return file;
}

std::string plain_name(std::string name) {
  for (const char* setting : {"/iterations:", "/repeats:", "/manual_time"})
    if (const size_t at = name.find(setting); at != std::string::npos) name.resize(at);
  return name;
}

double median(const std::vector<double>& sorted) {
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// In the order in which they were first run.
std::vector<Benchmark> collect(const json& benchmarks) {
  std::vector<Benchmark> all;
  std::map<std::string, std::vector<double>> times;
  for (const json& one : benchmarks) {
    if (one.value("run_type", "iteration") != "iteration" || one.value("error_occurred", false))
      continue;
    const std::string name = plain_name(one.at("run_name"));
    std::vector<double>& values = times[name];
    if (values.empty()) all.push_back({name, one.value("time_unit", "ns")});
    values.push_back(one.at("real_time"));
  }
  for (Benchmark& one : all) {
    std::vector<double>& values = times[one.name];
    std::ranges::sort(values);
    one.repetitions = values.size();
    one.least = values.front();
    one.median = median(values);
    one.most = values.back();
  }
  return all;
}

void check_ratio(const json& ratio) {
  for (const char* text : {"name", "numerator", "denominator", "direction", "kernel", "accel",
                           "vcpus", "commit", "clock"})
    (void)ratio.at(text).get_ref<const std::string&>();
  for (const char* number : {"value", "goal"}) (void)ratio.at(number).get<double>();
  (void)ratio.at("spread").get<std::array<double, 2>>();
  (void)ratio.at("met").get<bool>();
}

}  // namespace

Result<BenchmarkFile> read_benchmarks(const std::string& path) {
  const Result<json> file = read_json(path);
  if (!file) return tl::unexpected(file.error());
  BenchmarkFile read;
  read.path = path;
  try {
    for (const char* name : kContext) {
      const std::string text = file->at("context").value(name, "unknown");
      read.context[name] = text;
    }
    read.benchmarks = collect(file->at("benchmarks"));
  } catch (const json::exception& error) {
    return fail(
        0, "cannot report on " + path + ": it is no output of Google Benchmark: " + error.what());
  }
  return read;
}

Result<Ratios> read_ratios(const std::string& path) {
  const Result<json> file = read_json(path);
  if (!file) return tl::unexpected(file.error());
  try {
    if (file->at("schema") != 1)
      return fail(0, "cannot report on " + path + ": it has schema " + file->at("schema").dump() +
                         ", and this raceless reads 1; use the raceless that goes with it");
    for (const json& ratio : file->at("ratios")) check_ratio(ratio);
  } catch (const json::exception& error) {
    return fail(
        0, "cannot report on " + path + ": it is no ratios.json of this version: " + error.what());
  }
  return Ratios{path, file->at("ratios")};
}

}  // namespace raceless
