// SPDX-License-Identifier: GPL-2.0
// raceless-ratios GOALS RATIOS.json BENCH.json…: prints the ratio table of each run of
// raceless-bench (a file for each part), and writes all of them. Exits with 0 whatever the ratios
// are, 1 if a file cannot be read, 2 on wrong usage.
#include <cstdio>
#include <string>

#include "ratios.h"
#include "text_file.h"

namespace {

using namespace raceless;

Result<nlohmann::json> read_json(const std::string& path) {
  const Result<std::string> text = read_text(path);
  if (!text) return tl::unexpected(text.error());
  nlohmann::json file = nlohmann::json::parse(*text, nullptr, false);
  if (file.is_discarded()) return fail(0, path + " is no JSON: raceless-bench did not end");
  return file;
}

Status report(const std::string& goals_path, const std::string& output,
              const std::vector<std::string>& paths) {
  const Result<std::string> text = read_text(goals_path);
  if (!text) return tl::unexpected(text.error());
  const Result<std::vector<Goal>> goals = parse_goals(*text);
  if (!goals) return tl::unexpected(goals.error());
  std::vector<nlohmann::json> files;
  for (const std::string& path : paths) {
    Result<nlohmann::json> file = read_json(path);
    if (!file) return tl::unexpected(file.error());
    files.push_back(std::move(*file));
  }
  nlohmann::json all = nlohmann::json::array();
  for (const nlohmann::json& run : merge_runs(files)) {
    const auto ratios = compute_ratios(run, *goals);
    if (!ratios) return tl::unexpected(ratios.error());
    std::fputs((ratio_table(run, *goals, *ratios) + "\n").c_str(), stdout);
    for (const nlohmann::json& ratio : ratios_json(run, *ratios)) all.push_back(ratio);
  }
  return write_text(output, nlohmann::json{{"schema", 1}, {"ratios", all}}.dump(2) + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs("usage: raceless-ratios GOALS RATIOS.json BENCH.json...\n", stderr);
    return 2;
  }
  const Status status = report(argv[1], argv[2], {argv + 3, argv + argc});
  if (status) return 0;
  std::fprintf(stderr, "raceless-ratios: %s\n", status.error().message().c_str());
  return 1;
}
