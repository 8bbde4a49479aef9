// SPDX-License-Identifier: GPL-2.0
// raceless-vm: runs commands and cases in a QEMU guest and gives one verdict for each.
//
// Exit codes: the command's own when it ended; 0 a pass, 1 anything else that the guest did, 2
// wrong usage, 4 when the host could not do its part.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdlib>
#include <ctime>

#include "run.h"

namespace raceless::vm {
namespace {

namespace fs = std::filesystem;

constexpr const char* terminfo = "/usr/lib/terminfo";
constexpr int exit_fail = 1;
constexpr int exit_usage = 2;
constexpr int exit_infra = 4;

void message(const std::string& text) { fmt::print(stderr, "vm: {}\n", text); }

Project find_project() {
  Project project;
  project.binaries = fs::read_symlink("/proc/self/exe").parent_path();
  const char* source = std::getenv("RACELESS_SOURCE");
  project.source = source ? fs::path(source) : project.binaries.parent_path().parent_path().parent_path();
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  project.cache = (cache && *cache ? fs::path(cache) : fs::path(home ? home : "/root") / ".cache") /
                  "raceless";
  return project;
}

fs::path new_run_folder(const Project& project, const std::string& what) {
  std::time_t now = std::time(nullptr);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", std::localtime(&now));
  return project.source / "runs" / fmt::format("{}-{}-{}", stamp, what, getpid());
}

int exit_code(const RunOutcome& outcome) {
  if (outcome.judgement.verdict == Verdict::Pass) return 0;
  if (outcome.judgement.verdict == Verdict::Infra) return exit_infra;
  return outcome.seen.ended && outcome.seen.status > 0 ? outcome.seen.status : exit_fail;
}

struct RunArguments {
  RunSpec spec;
  std::vector<std::string> modules;
  std::vector<std::string> files;
  bool bare = false;
  bool interactive = false;
  bool quiet = false;
};

void add_run_options(CLI::App& app, RunArguments& a) {
  app.add_option("-k,--kernel", a.spec.kernel, "6.1, 6.12, or the path of a kernel")
      ->capture_default_str();
  app.add_option("-s,--smp", a.spec.smp, "CPUs of the guest")
      ->check(CLI::Range(1u, 64u))
      ->capture_default_str();
  app.add_option("-M,--memory", a.spec.memory_mib, "MiB of memory")
      ->check(CLI::Range(128u, 65536u))
      ->capture_default_str();
  app.add_option("-m,--modules", a.modules, "modules of the kernel that the guest needs, or all")
      ->delimiter(',')->allow_extra_args(false);
  app.add_option("-f,--file", a.files, "a host file for the guest, HOST[:GUEST]")
      ->allow_extra_args(false);
  app.add_option("-p,--program", a.spec.files.programs, "a host program, with its libraries")
      ->allow_extra_args(false);
  app.add_option("-e,--env", a.spec.files.env, "a variable for the command, NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("-t,--timeout", a.spec.timeout_s, "seconds for the command; 0 is no limit")
      ->capture_default_str();
  app.add_option("-o,--output", a.spec.folder, "the run folder (a new one under runs/)");
  app.add_option("--append", a.spec.append, "more for the kernel's command line")
      ->allow_extra_args(false);
  app.add_option("--accel", a.spec.accel, "auto, kvm or tcg")->capture_default_str();
  app.add_flag("-i,--interactive", a.interactive, "a terminal in the guest; a shell by default");
  app.add_flag("--stdin", a.spec.input, "give our stdin to the command");
  app.add_flag("--bare", a.bare, "init, busybox and what is asked for: no raceless, no results");
  app.add_flag("--ktap", a.spec.demand_ktap, "the command must print KTAP that proves success");
  app.add_flag("-q,--quiet", a.quiet, "no messages but errors");
  app.add_option("command", a.spec.files.argv, "what to run in the guest");
}

int run(const Project& project, RunArguments& a) {
  RunSpec& spec = a.spec;
  if (a.interactive) {
    if (!isatty(0)) {
      message("-i needs a terminal on stdin");
      return exit_usage;
    }
    spec.terminal = true;
    spec.timeout_s = 0;
    spec.files.programs.emplace_back("bash");
    if (fs::exists(terminfo)) spec.files.files.emplace_back(terminfo, terminfo);
    if (spec.files.argv.empty()) spec.files.argv = {"bash", "-l"};
  }
  if (spec.files.argv.empty()) {
    message("what shall the guest run? vm/run [OPTIONS] -- COMMAND…");
    return exit_usage;
  }
  spec.files.modules = a.modules;
  for (const std::string& text : a.files) {
    std::size_t colon = text.find(':');
    spec.files.files.emplace_back(text.substr(0, colon),
                                  colon == std::string::npos ? "" : text.substr(colon + 1));
  }
  if (a.bare) {
    spec.results_disk = false;
  } else {
    spec.files.kmod = true;
    auto kernel = find_kernel(project.source, spec.kernel);
    if (kernel) spec.files.raceless = fs::exists(project.built_modules(kernel->release));
  }
  if (spec.folder.empty()) spec.folder = new_run_folder(project, "run");
  spec.folder = fs::absolute(spec.folder);

  auto outcome = run_case(project, spec, [&](const std::string& text) {
    if (!a.quiet) message(text);
  });
  if (!outcome) {
    message(outcome.error().message());
    return exit_infra;
  }
  const Judgement& judgement = outcome->judgement;
  if (judgement.verdict != Verdict::Pass || !a.quiet)
    message(fmt::format("{}: {} ({})", name_of(judgement.verdict), judgement.cause,
                        spec.folder.string()));
  return exit_code(*outcome);
}

int dispatch(int argc, char** argv) {
  CLI::App app{"runs commands and cases in a QEMU guest"};
  app.require_subcommand(1);
  RunArguments arguments;
  CLI::App* run_command = app.add_subcommand("run", "run one command in a guest");
  add_run_options(*run_command, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_usage;
  }
  return run(find_project(), arguments);
}

}  // namespace
}  // namespace raceless::vm

int main(int argc, char** argv) { return raceless::vm::dispatch(argc, argv); }
