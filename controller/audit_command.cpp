// SPDX-License-Identifier: GPL-2.0
// raceless audit
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "audit/books.h"
#include "audit/maps.h"
#include "audit/run_file.h"
#include "clock.h"
#include "command.h"
#include "module_loader.h"
#include "targets/eventually.h"
#include "text_file.h"

namespace raceless {

namespace {

constexpr const char* kLedger = "raceless_ledger";

struct AuditOptions {
  std::string when;
  std::string output;
};

Outcome say(const Comparison& comparison) {
  fmt::print("{}\n", comparison.summary());
  return comparison.disagreement() == nullptr ? Outcome::passed : Outcome::failed;
}

Outcome cannot_run(const Error& error) {
  fmt::print(stderr, "raceless: {}\n", error.message());
  return Outcome::cannot_run;
}

Status compare_kept_maps(const nlohmann::json& run, Comparison& comparison) {
  const std::string folder = run.at("tracing").at("maps");
  if (folder.empty() || !run.at("counters").contains("registry_gets")) return {};
  std::error_code error;
  if (!std::filesystem::exists(folder, error)) {
    comparison.skip("pinned maps", folder + (error ? " cannot be read: " + error.message()
                                                   : " is not there: another boot, or removed"));
    return {};
  }
  return compare_maps(
      run, [&folder](const std::string& map) { return dump_map(folder + "/" + map); }, comparison);
}

// Those of storms that left their folder below this one, or the one that is in it.
Status compare_runs(const std::string& folder, Comparison& comparison) {
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (std::filesystem::recursive_directory_iterator found(folder, error), end;
       !error && found != end; found.increment(error))
    if (found->path().filename() == "run.json") paths.push_back(found->path());
  if (error) return fail(error.value(), "cannot look for run.json in " + folder);
  std::ranges::sort(paths);
  for (const std::filesystem::path& path : paths) {
    Result<nlohmann::json> run = read_run(path);
    if (!run) return tl::unexpected(run.error());
    comparison.begin("storm " + path.parent_path().filename().string());
    try {
      compare_run(*run, comparison);
      if (Status compared = compare_kept_maps(*run, comparison); !compared) return compared;
    } catch (const nlohmann::json::exception& wrong) {
      return fail(0, path.string() + " is no run.json of this version: " + wrong.what());
    }
  }
  return {};
}

// The counting begins before the first event: what is loaded already was not counted.
Status begin() {
  if (module_state("raceless") != ModuleState::absent)
    return fail(EBUSY, "raceless.ko is loaded, and its events have gone by; unload it first");
  if (module_state(kLedger) != ModuleState::absent)
    return fail(EALREADY, "an audit has begun since this kernel was booted");
  if (Status armed = ModuleEvents::arm(); !armed) return armed;
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return tl::unexpected(loader.error());
  Result<KernelModule> ledger = loader->find(kLedger);
  if (!ledger) return tl::unexpected(ledger.error());
  return ledger->load_with_dependencies();
}

Result<Comparison> compare() {
  Comparison comparison;
  const Result<ModuleEvents> events = ModuleEvents::read();
  if (!events) return tl::unexpected(events.error());
  const Result<ModuleList> modules = read_module_list();
  if (!modules) return tl::unexpected(modules.error());
  const Result<Ledger> ledger = Ledger::read();
  if (!ledger) return tl::unexpected(ledger.error());

  compare_modules(*events, *modules, comparison);
  comparison.add("loads of raceless",
                 {{"module_load", events->loads.of("raceless")}, {kLedger, ledger->books.size()}});
  comparison.add("loads that the ledger missed", {{"expected", 0}, {kLedger, ledger->lost}});
  for (size_t i = 0; i < ledger->books.size(); i++) {
    const Book& book = ledger->books[i];
    if (ledger->books.size() > 1) comparison.begin(fmt::format("load {}", i + 1));
    if (book.closed) {
      compare_unloaded(book, comparison);
      continue;
    }
    const Result<StateFile> state = StateFile::read();
    if (!state) return tl::unexpected(state.error());
    compare_loaded(*state, book, *modules, comparison);
  }
  return comparison;
}

// Work that nobody waits for may still be under way: a flight lands, BPF programs are freed.
Outcome end(const AuditOptions& options) {
  Result<Comparison> comparison = tl::unexpected(Error{});
  (void)eventually([&] {
    comparison = compare();
    return comparison && comparison->disagreement() == nullptr;
  });
  if (!comparison) return cannot_run(comparison.error());
  if (!options.output.empty()) {
    if (const Status read = compare_runs(options.output, *comparison); !read)
      return cannot_run(read.error());
    const nlohmann::json report = {
        {"schema", 1}, {"summary", comparison->summary()}, {"numbers", comparison->to_json()}};
    const Status written = write_text(options.output + "/audit.json", report.dump(1) + "\n");
    if (!written) return cannot_run(written.error());
  }
  return say(*comparison);
}

Outcome runs(const AuditOptions& options) {
  if (options.output.empty()) {
    fmt::print(stderr, "raceless: audit run needs -o FOLDER, where the run.json is\n");
    return Outcome::usage;
  }
  Comparison comparison;
  if (const Status read = compare_runs(options.output, comparison); !read)
    return cannot_run(read.error());
  if (comparison.numbers().empty())
    return cannot_run({ENOENT, "there is no run.json in '" + options.output + "'"});
  return say(comparison);
}

}  // namespace

RunCommand add_audit(CLI::App& app) {
  auto options = std::make_shared<AuditOptions>();
  app.add_option(
         "WHEN", options->when,
         "begin: count from now on, before raceless.ko is loaded; end: compare; run: compare "
         "what is in each run.json of --output, on any machine")
      ->required()
      ->check(CLI::IsMember({"begin", "end", "run"}));
  app.add_option(
      "-o,--output", options->output,
      "folder with the folders of storms: run compares those, end also, and leaves audit.json "
      "there, with every number");
  app.footer(
      "begin and end need root and raceless_ledger.ko. The output is one line, the verdict.");
  return [options] {
    if (options->when == "end") return end(*options);
    if (options->when == "run") return runs(*options);
    const Status begun = begin();
    return begun ? Outcome::passed : cannot_run(begun.error());
  };
}

}  // namespace raceless
