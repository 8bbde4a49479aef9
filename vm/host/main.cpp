// SPDX-License-Identifier: GPL-2.0
// raceless-vm: runs commands and cases in a QEMU guest and gives one verdict for each.
//
// Exit codes: the command's own when it ended; 0 a pass, 1 anything else that the guest did, 2
// wrong usage, 4 when the host could not do its part.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <ctime>

#include "case_file.h"
#include "console.h"
#include "qemu.h"
#include "replay.h"
#include "run.h"
#include "suite.h"

namespace raceless::vm {
namespace {

namespace fs = std::filesystem;

constexpr int exit_fail = 1;
constexpr int exit_usage = 2;
constexpr int exit_infra = 4;
constexpr const char* default_gdb_port = "1234";
constexpr const char* terminfo = "/usr/lib/terminfo";

void message(const std::string& text) { fmt::print(stderr, "vm: {}\n", text); }

// EINVAL means that what was asked for makes no sense; the rest is about this host.
int failed(const Error& error) {
  message(error.code == EINVAL ? error.context : error.message());
  return error.code == EINVAL ? exit_usage : exit_infra;
}

const char* variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? value : otherwise;
}

Project find_project() {
  Project project;
  const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
  const fs::path above = here.parent_path().parent_path().parent_path();  // of build/cmake/bin
  project.source = variable("RACELESS_SOURCE", above.c_str());
  // A copy of the tree may have programs of its own, or a link to ours.
  std::error_code none;
  const fs::path own = fs::canonical(project.source / "build/cmake/bin", none);
  project.binaries = none ? here : own;
  fs::path home_cache = fs::path(variable("HOME", "/root")) / ".cache";
  project.cache = fs::path(variable("XDG_CACHE_HOME", home_cache.c_str())) / "raceless";
  return project;
}

fs::path new_run_folder(const Project& project, const std::string& what) {
  std::time_t now = std::time(nullptr);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", std::localtime(&now));
  return project.source / "runs" / fmt::format("{}-{}-{}", stamp, what, getpid());
}

struct RunArguments {
  RunSpec spec;
  std::string kernel = "6.12";
  std::string case_file;
  std::vector<std::string> modules;
  std::vector<std::string> files;
  bool bare = false;
  bool quiet = false;
  bool smp_given = false;
  bool timeout_given = false;
  unsigned until_failure = 0;
  ReplaySpec replay;
  std::string gdb_port;  // empty: no gdb
};

void add_run_options(CLI::App& app, RunArguments& a) {
  app.add_option("-k,--kernel", a.kernel,
                 "6.1, 6.12, 6.1-rt, 6.12-rt, debug, kcsan, scx, or the path of a kernel")
      ->capture_default_str();
  app.add_option("-s,--smp", a.spec.smp, "CPUs of the guest")
      ->check(CLI::Range(1u, 64u))
      ->capture_default_str();
  app.add_option("-M,--memory", a.spec.memory_mib, "MiB of memory")
      ->check(CLI::Range(128u, 65536u))
      ->capture_default_str();
  app.add_option("-m,--modules", a.modules, "modules of the kernel that the guest needs, or all")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("-f,--file", a.files, "a host file for the guest, HOST[:GUEST]")
      ->allow_extra_args(false);
  app.add_option("-p,--program", a.spec.files.programs, "a host program, with its libraries")
      ->allow_extra_args(false);
  app.add_option("-e,--env", a.spec.files.env, "a variable for the command, NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("-t,--timeout", a.spec.timeout_s,
                 "seconds for the command or the case, more on a busy host; 0 is no limit")
      ->capture_default_str();
  app.add_option("-o,--output", a.spec.folder, "the run folder (a new one under runs/)");
  app.add_option("--append", a.spec.append, "more for the kernel's command line")
      ->allow_extra_args(false);
  app.add_option("--allow", a.spec.allow, "a pattern of kernel messages that are no splat here")
      ->allow_extra_args(false);
  app.add_option("--accel", a.spec.accel, "auto, kvm or tcg")->capture_default_str();
  app.add_option("--case", a.case_file, "run this case instead of a command");
  app.add_flag("-i,--interactive", a.spec.terminal, "a terminal in the guest; a shell by default");
  app.add_flag("--stdin", a.spec.input, "give our stdin to the command");
  app.add_flag("--bare", a.bare, "init, busybox and what is asked for: no raceless, no results");
  app.add_flag("--ktap", a.spec.demand_ktap, "the command must print KTAP that proves success");
  app.add_flag("--record", a.spec.record,
               "record it, on one CPU, so that it can be replayed exactly");
  app.add_option("--until-failure", a.until_failure,
                 "with --record: up to N runs that differ, until one fails; that one is kept")
      ->check(CLI::Range(1u, 100000u));
  app.add_option("--replays", a.spec.replays, "with --record: replay it N times and compare")
      ->check(CLI::Range(1u, 1000u));
  app.add_option("--replay", a.replay.folder, "replay the recorded run in this folder");
  app.add_option("--gdb", a.gdb_port, "with --replay: wait for gdb, on this port of the loopback")
      ->expected(0, 1)
      ->default_str(default_gdb_port)
      ->check(CLI::Range(1u, 65535u));
  app.add_flag("-q,--quiet", a.quiet, "no messages but errors");
  app.add_option("command", a.spec.files.argv, "what to run in the guest");
}

// What the options mean together; a problem in words, or nothing.
std::string complete_spec(const Project& project, RunArguments& a) {
  RunSpec& spec = a.spec;
  if (spec.terminal) {
    if (!isatty(0)) return "-i needs a terminal on stdin";
    spec.timeout_s = 0;
    spec.files.programs.emplace_back("bash");
    if (fs::exists(terminfo)) spec.files.files.emplace_back(terminfo, terminfo);
    if (spec.files.argv.empty()) spec.files.argv = {"bash", "-l"};
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
    spec.files.raceless = fs::exists(project.built_modules(spec.kernel.release));
    spec.files.command = fs::exists(project.binaries / "raceless");
  }
  return spec.files.argv.empty() ? "what shall the guest run? vm/run [OPTIONS] -- COMMAND…" : "";
}

int run_exit_code(const RunOutcome& outcome) {
  if (outcome.judgement.verdict == Verdict::Pass) return 0;
  if (outcome.judgement.verdict == Verdict::Infra) return exit_infra;
  return outcome.seen.ended && outcome.seen.status > 0 ? outcome.seen.status : exit_fail;
}

// What is contradictory in what was said of recordings, in words, or nothing.
std::string check_record(RunArguments& a, unsigned case_cpus) {
  if (!a.spec.record && (a.until_failure > 0 || a.spec.replays > 0))
    return "--until-failure and --replays go with --record";
  if (!a.spec.record) return "";
  if (a.spec.terminal || a.spec.input)
    return "a recorded guest gets no input: -i and --stdin do not go with --record";
  if (a.smp_given && a.spec.smp > 1)
    return fmt::format(
        "--record holds for one CPU only, and -s {} was asked for: QEMU does not record more. "
        "Without -s it has one, and preempts (preempt=full); docs/replay.md says what that finds",
        a.spec.smp);
  if (case_cpus > 1 && !a.quiet)
    message(fmt::format("the case wants {} CPUs; a recording has one", case_cpus));
  a.spec.smp = 1;
  return "";
}

int replay_run(const Project& project, RunArguments& a) {
  a.replay.folder = fs::absolute(a.replay.folder);
  a.replay.copy_output = !a.quiet;
  if (!a.gdb_port.empty()) {
    a.replay.debugger = "tcp:127.0.0.1:" + a.gdb_port;
    auto command = gdb_command(project, a.replay.folder, a.gdb_port);
    if (!command) return failed(command.error());
    message("the machine waits for gdb, in another terminal:");
    message("  " + *command);
    message(
        "there, before `continue`: hbreak panic. At a stop: raceless-modules, bt, reverse-stepi");
  }
  auto replayed = replay(project, a.replay);
  if (!replayed) return failed(replayed.error());
  // Whoever holds the debugger decides how it ends.
  if (!a.replay.debugger.empty()) return 0;
  if (!a.quiet || !replayed->differences.empty()) message(describe(*replayed));
  for (const std::string& difference : replayed->differences) message(difference);
  return replayed->differences.empty() ? 0 : exit_fail;
}

// The command starts at another point of the timer's tick in each of them, which is what decides
// where threads are preempted.
Result<RunOutcome> run_until_failure(const Project& project, RunArguments& a) {
  constexpr unsigned tick_us = 4000;
  constexpr unsigned stride = 1237;  // prime to the tick: no phase comes twice before all came
  auto say = [&](const std::string& text) {
    if (!a.quiet) message(text);
  };
  unsigned attempts = std::max(1u, a.until_failure);
  for (unsigned i = 0;; ++i) {
    RunSpec spec = a.spec;
    if (i > 0) spec.append.push_back(fmt::format("raceless_phase={}", i * stride % tick_us));
    auto outcome = run_case(project, spec, say);
    if (!outcome || outcome->judgement.verdict != Verdict::Pass || i + 1 == attempts)
      return outcome;
    message(fmt::format("run {} of {} passed", i + 1, attempts));
    fs::remove_all(spec.folder);
  }
}

int run(const Project& project, RunArguments& a) {
  if (!a.gdb_port.empty() && a.replay.folder.empty()) {
    message("--gdb goes with --replay");
    return exit_usage;
  }
  if (!a.replay.folder.empty()) return replay_run(project, a);
  auto kernel = find_kernel(project.source, a.kernel);
  if (!kernel) return failed(kernel.error());
  a.spec.kernel = *kernel;
  if (!a.case_file.empty()) {
    auto file = read_case(fs::absolute(a.case_file));
    if (!file) return failed(file.error());
    const unsigned given = a.spec.timeout_s;
    apply_case(*file, project, a.spec);
    if (a.timeout_given) a.spec.timeout_s = given;
    a.smp_given = false;
  } else if (std::string problem = complete_spec(project, a); !problem.empty()) {
    message(problem);
    return exit_usage;
  }
  if (std::string problem = check_record(a, a.case_file.empty() ? 0 : a.spec.smp);
      !problem.empty()) {
    message(problem);
    return exit_usage;
  }
  if (a.spec.folder.empty()) a.spec.folder = new_run_folder(project, "run");
  a.spec.folder = fs::absolute(a.spec.folder);

  auto outcome = run_until_failure(project, a);
  if (!outcome) return failed(outcome.error());
  const Judgement& judgement = outcome->judgement;
  if (judgement.verdict != Verdict::Pass || !a.quiet)
    message(fmt::format("{}: {} ({})", name_of(judgement.verdict), judgement.cause,
                        a.spec.folder.string()));
  return run_exit_code(*outcome);
}

int test(const Project& project, SuiteSpec& spec) {
  if (spec.folder.empty()) spec.folder = new_run_folder(project, "test");
  spec.folder = fs::absolute(spec.folder);
  auto passed = run_suite(project, spec);
  if (!passed) return failed(passed.error());
  return *passed ? 0 : exit_fail;
}

int scan(const Project& project, const std::string& log) {
  auto rules = SplatRules::load(project.source / "vm/splats");
  if (!rules) return failed(rules.error());
  if (!fs::is_regular_file(log)) return failed({ENOENT, "cannot read the log " + log});
  const SplatScan found = rules->scan(read_console(log));
  for (const Splat& s : found.splats)
    fmt::print("{}:{}: {}: {}\n", log, s.line, name_of(s.which), s.describe());
  for (const auto& [report, times] : found.foreign)
    fmt::print("{}: not ours, {} times: {}\n", log, times, report);
  return found.splats.empty() ? 0 : exit_fail;
}

int dispatch(int argc, char** argv) {
  CLI::App app{"runs commands and cases in a QEMU guest"};
  app.require_subcommand(1);
  RunArguments run_arguments;
  CLI::App* run_command = app.add_subcommand("run", "run one command in a guest");
  add_run_options(*run_command, run_arguments);

  SuiteSpec suite;
  CLI::App* test_command = app.add_subcommand("test", "run all cases");
  test_command->add_option("-k,--kernel", suite.kernels, "kernels, separated by commas")
      ->delimiter(',')
      ->capture_default_str();
  test_command->add_option("-c,--case", suite.only, "the cases that match this pattern");
  test_command->add_option("-j,--jobs", suite.jobs, "guests at once (as the host has CPUs for)");
  test_command->add_option("-o,--output", suite.folder, "the folder of the runs");

  std::string log;
  CLI::App* scan_command = app.add_subcommand("scan", "list the complaints in a kernel log");
  scan_command->add_option("log", log, "the log")->required();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_usage;
  }
  Project project = find_project();
  if (scan_command->parsed()) return scan(project, log);
  if (auto chosen = choose_qemu(project.source); !chosen) return failed(chosen.error());
  run_arguments.timeout_given = run_command->count("--timeout") > 0;
  run_arguments.smp_given = run_command->count("--smp") > 0;
  if (run_command->parsed()) return run(project, run_arguments);
  return test(project, suite);
}

}  // namespace
}  // namespace raceless::vm

int main(int argc, char** argv) { return raceless::vm::dispatch(argc, argv); }
