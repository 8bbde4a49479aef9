// SPDX-License-Identifier: GPL-2.0
// raceless-bench PART: what references, lookups, unloads and storms cost on this kernel, as Google
// Benchmark prints it and writes it (--benchmark_out=FILE). Repetitions of the benchmarks of a part
// are interleaved, so that a ratio of two of them is of the same minutes. Needs raceless_bench.ko,
// and root. Exits with 0, 2 on wrong usage, 4 when it cannot run here.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "benchmarks.h"
#include "storm/context.h"

namespace {

using namespace raceless;

constexpr int kUsage = 2;
constexpr int kCannotRun = 4;

struct CommandLine {
  Settings settings;
  std::string part;
  std::vector<std::string> rest;  // Google Benchmark's
};

void add_options(CLI::App& app, CommandLine& line) {
  std::string parts;
  for (const Part& part : kParts) parts += fmt::format("\n  {:<12} {}", part.name, part.what);
  app.footer("Parts:" + parts + "\nOptions that begin with --benchmark_ are Google Benchmark's.");
  app.add_option("part", line.part, "which benchmarks; see below")
      ->required()
      ->check([](const std::string& name) -> std::string {
        const bool known =
            std::ranges::any_of(kParts, [&](const Part& each) { return name == each.name; });
        if (known) return "";
        std::string names;
        for (const Part& part : kParts) names += fmt::format(" {}", part.name);
        return name + " is none of the parts:" + names;
      });
  Settings& settings = line.settings;
  app.add_option("--loops", settings.loops, "of a timed region, for pairs and names");
  app.add_option("--names", settings.names, "registered at the most")->capture_default_str();
  app.add_option("--waiters", settings.waiters, "at the most")->capture_default_str();
  app.add_option("--seconds", settings.seconds, "of each storm")->capture_default_str();
  app.add_option("--replacing-seconds", settings.replacing_seconds, "of each way to replace")
      ->capture_default_str();
  app.add_option("--instruction-ns", settings.instruction_ns,
                 "the guest's clock counts instructions, so many ns each (QEMU -icount)");
  app.allow_extras();
}

void initialize(const Part& part, const CommandLine& line) {
  // What the command line says comes later and wins.
  std::vector<std::string> words = {
      "raceless-bench", fmt::format("--benchmark_repetitions={}", part.repetitions),
      fmt::format("--benchmark_enable_random_interleaving={}", part.interleaved)};
  words.insert(words.end(), line.rest.begin(), line.rest.end());
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int count = static_cast<int>(words.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) std::exit(kUsage);
}

void add_context(const CommandLine& line) {
  const Context context = current_context();
  benchmark::AddCustomContext("kernel", context.kernel);
  benchmark::AddCustomContext("accel", context.accel);
  benchmark::AddCustomContext("vcpus", std::to_string(context.vcpus));
  benchmark::AddCustomContext("commit", context.commit);
  benchmark::AddCustomContext("clock", line.settings.instruction_ns > 0 ? "instructions" : "time");
}

int cannot_run(const Error& error) {
  fmt::print(stderr, "raceless-bench: {}\n", error.message());
  return kCannotRun;
}

int run(const CommandLine& line) {
  const Part& part =
      *std::ranges::find_if(kParts, [&](const Part& each) { return line.part == each.name; });
  initialize(part, line);
  const Result<BenchDevice> device = BenchDevice::open();
  if (!device) return cannot_run(device.error());
  if (const Status added = part.add(*device, line.settings); !added)
    return cannot_run(added.error());
  add_context(line);
  const bool any = benchmark::RunSpecifiedBenchmarks() > 0;
  benchmark::Shutdown();
  return any ? 0 : kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("What references, lookups, unloads and storms cost on this kernel.",
               "raceless-bench");
  CommandLine line;
  add_options(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  line.rest = app.remaining();
  return run(line);
}
