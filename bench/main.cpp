// SPDX-License-Identifier: GPL-2.0
// raceless-bench: what references, lookups and unloads cost inside this kernel, as Google Benchmark
// prints it and writes it (--benchmark_out=FILE). Repetitions of all benchmarks are interleaved, so
// that a ratio of two of them is of the same minutes. Needs raceless_bench.ko, and root.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>
#include <vector>

#include "benchmarks.h"
#include "storm/context.h"

namespace {

using namespace raceless;

void add_context() {
  const Context context = current_context();
  benchmark::AddCustomContext("kernel", context.kernel);
  benchmark::AddCustomContext("accel", context.accel);
  benchmark::AddCustomContext("vcpus", std::to_string(context.vcpus));
  benchmark::AddCustomContext("commit", context.commit);
}

int run(int argc, char** argv) {
  // What the command line says comes later and wins.
  std::vector<std::string> words = {argv[0], "--benchmark_repetitions=5",
                                    "--benchmark_enable_random_interleaving=true",
                                    "--benchmark_min_time=0.05"};
  words.insert(words.end(), argv + 1, argv + argc);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int count = static_cast<int>(words.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;

  const Result<BenchDevice> device = BenchDevice::open();
  if (!device) {
    std::fprintf(stderr, "raceless-bench: %s\n", device.error().message().c_str());
    return 4;
  }
  for (const Status& status : {register_counts(*device), register_waits(*device)})
    if (!status) {
      std::fprintf(stderr, "raceless-bench: %s\n", status.error().message().c_str());
      return 4;
    }
  add_context();
  const bool any = benchmark::RunSpecifiedBenchmarks() > 0;
  benchmark::Shutdown();
  return any ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) { return run(argc, argv); }
