// SPDX-License-Identifier: GPL-2.0
#include "report/inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace raceless {

namespace {

namespace fs = std::filesystem;

// Of raceless-bench, one file each.
constexpr std::array<const char*, 6> kParts = {"pairs.json",  "names.json",        "waits.json",
                                               "storms.json", "replacements.json", "gate.json"};

enum class Kind { none, run, ratios, benchmarks };

Kind kind_of(const fs::path& path) {
  const std::string name = path.filename();
  if (name == "run.json") return Kind::run;
  if (name == "ratios.json") return Kind::ratios;
  return std::ranges::find(kParts, name) == kParts.end() ? Kind::none : Kind::benchmarks;
}

Result<std::vector<fs::path>> files_in(const std::string& name) {
  std::error_code error;
  if (!fs::is_directory(name, error)) {
    if (!fs::exists(name, error)) return fail(ENOENT, "there is no '" + name + "'");
    return std::vector<fs::path>{name};
  }
  std::vector<fs::path> paths;
  for (fs::recursive_directory_iterator found(name, error), end; !error && found != end;
       found.increment(error))
    if (kind_of(found->path()) != Kind::none) paths.push_back(found->path());
  if (error) return fail(error.value(), "cannot look for run.json in " + name);
  if (paths.empty())
    return fail(0, "there is nothing to report on in '" + name +
                       "': no run.json, no ratios.json, none of raceless-bench's files");
  std::ranges::sort(paths);
  return paths;
}

Status add(const fs::path& path, Inputs& inputs) {
  // A file that was named may be called anything: then it is a run.
  const Kind kind = kind_of(path);
  if (kind == Kind::ratios) {
    Result<Ratios> ratios = read_ratios(path);
    if (!ratios) return tl::unexpected(ratios.error());
    inputs.ratios.push_back(std::move(*ratios));
  } else if (kind == Kind::benchmarks) {
    Result<BenchmarkFile> file = read_benchmarks(path);
    if (!file) return tl::unexpected(file.error());
    inputs.benchmarks.push_back(std::move(*file));
  } else {
    Result<StoredRun> run = read_stored_run(path);
    if (!run) return tl::unexpected(run.error());
    inputs.runs.push_back(std::move(*run));
  }
  return {};
}

}  // namespace

Result<Inputs> read_inputs(const std::vector<std::string>& names) {
  std::vector<fs::path> all;
  for (const std::string& name : names) {
    const Result<std::vector<fs::path>> paths = files_in(name);
    if (!paths) return tl::unexpected(paths.error());
    for (const fs::path& path : *paths)
      if (std::ranges::find(all, path) == all.end()) all.push_back(path);
  }
  const auto runs = static_cast<size_t>(std::ranges::count_if(all, [](const fs::path& path) {
    return kind_of(path) == Kind::run || kind_of(path) == Kind::none;
  }));
  if (runs > kMostRuns)
    return fail(0, fmt::format("{} runs are too many to stand side by side ({} at most); name the "
                               "folders of those that you mean",
                               runs, kMostRuns));
  Inputs inputs;
  for (const fs::path& path : all)
    if (Status added = add(path, inputs); !added) return tl::unexpected(added.error());
  return inputs;
}

}  // namespace raceless
