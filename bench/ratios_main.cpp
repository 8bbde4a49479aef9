// SPDX-License-Identifier: GPL-2.0
// raceless-ratios GOALS RATIOS.json BENCH.json…: prints the ratio table of each run of
// raceless-bench, and writes all of them. Exits with 0 whatever the ratios are, 1 if a run cannot
// be read, 2 on wrong usage.
#include <cstdio>
#include <string>

#include "ratios.h"
#include "text_file.h"

namespace {

using namespace raceless;

Result<nlohmann::json> ratios_of(const std::string& path, const std::vector<Goal>& goals) {
  const Result<std::string> text = read_text(path);
  if (!text) return tl::unexpected(text.error());
  const nlohmann::json run = nlohmann::json::parse(*text, nullptr, false);
  if (run.is_discarded()) return fail(0, path + " is no JSON: raceless-bench did not end");
  const auto ratios = compute_ratios(run, goals);
  if (!ratios) return fail(ratios.error().code, path + ": " + ratios.error().context);
  std::fputs((ratio_table(run, goals, *ratios) + "\n").c_str(), stdout);
  return ratios_json(run, *ratios);
}

Status report(const std::string& goals_path, const std::string& output,
              const std::vector<std::string>& runs) {
  const Result<std::string> text = read_text(goals_path);
  if (!text) return tl::unexpected(text.error());
  const Result<std::vector<Goal>> goals = parse_goals(*text);
  if (!goals) return tl::unexpected(goals.error());
  nlohmann::json all = nlohmann::json::array();
  for (const std::string& run : runs) {
    const Result<nlohmann::json> ratios = ratios_of(run, *goals);
    if (!ratios) return tl::unexpected(ratios.error());
    for (const nlohmann::json& ratio : *ratios) all.push_back(ratio);
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
