// SPDX-License-Identifier: GPL-2.0
// What `make bench` left: Google Benchmark's JSON, and ratios.json.
#ifndef RACELESS_CONTROLLER_REPORT_STORED_BENCHMARKS_H
#define RACELESS_CONTROLLER_REPORT_STORED_BENCHMARKS_H

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "result.h"

namespace raceless {

// The repetitions of one benchmark.
struct Benchmark {
  std::string name;  // without its settings ("/iterations:1", "/manual_time")
  std::string unit;
  size_t repetitions = 0;
  double least = 0;
  double median = 0;
  double most = 0;
};

// A file of one part and one guest.
struct BenchmarkFile {
  std::string path;
  nlohmann::json context;  // kernel, accel, vcpus, commit, clock: text
  std::vector<Benchmark> benchmarks;
};

struct Ratios {
  std::string path;
  nlohmann::json ratios;  // as in the file, checked
};

[[nodiscard]] Result<BenchmarkFile> read_benchmarks(const std::string& path);
[[nodiscard]] Result<Ratios> read_ratios(const std::string& path);

}  // namespace raceless

#endif
