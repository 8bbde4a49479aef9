// SPDX-License-Identifier: GPL-2.0
#include "suite.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <list>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "junit.h"
#include "process.h"

namespace raceless::vm {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kDiagnostics = 60;  // lines of a failed case

struct Job {
  std::string kernel_name;  // as the user calls it
  Kernel kernel;
  CaseFile test;
};

struct Running {
  Job job;
  Child child;
  fs::path folder;
  fs::path log;
  Clock::time_point start;
};

std::string read_text(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ';');
  return text;
}

// "6.12", or "bzImage" of a path.
std::string last_part(const std::string& kernel_name) {
  return kernel_name.substr(kernel_name.rfind('/') + 1);
}

nlohmann::json read_report(const Running& run) {
  return nlohmann::json::parse(read_text(run.folder / "case.json"), nullptr, false);
}

// What the failed tests of a run said, for those who have only our output.
std::vector<std::string> diagnostics(const nlohmann::json& report) {
  std::vector<std::string> lines;
  for (const auto& test : report.value("/ktap/tests"_json_pointer, nlohmann::json::array())) {
    if (test.value("ok", true)) continue;
    lines.push_back("not ok: " + test.value("name", ""));
    for (const auto& line : test.value("diagnostics", nlohmann::json::array()))
      lines.push_back("  " + line.get<std::string>());
  }
  if (lines.size() > kDiagnostics) {
    lines.resize(kDiagnostics);
    lines.emplace_back("… and so on, in case.json");
  }
  return lines;
}

// How a run compares with what its case expects: a problem in words, or nothing.
std::string compare(const Running& run, const nlohmann::json& report) {
  if (report.is_discarded() || !report.contains("verdict"))
    return "INFRA: " + one_line(read_text(run.log));
  std::string verdict = report["verdict"];
  std::string cause = report["cause"];
  if (verdict != name_of(run.job.test.expect)) {
    std::string wanted = run.job.test.expect == Verdict::Pass
                             ? ""
                             : fmt::format(", expected {}", name_of(run.job.test.expect));
    return fmt::format("{}{}: {}", verdict, wanted, cause);
  }
  const std::string& pattern = run.job.test.cause;
  if (!pattern.empty() && !std::regex_search(cause, std::regex(pattern, std::regex::extended)))
    return fmt::format("{} as expected, but its cause does not match {}: {}", verdict, pattern,
                       cause);
  return {};
}

class Suite {
 public:
  Suite(const Project& project, const SuiteSpec& spec) : project_(project), spec_(spec) {}
  Result<bool> run();

 private:
  Status plan();
  [[nodiscard]] Result<std::size_t> count_unit_tests() const;
  Status run_unit_tests();
  [[nodiscard]] bool may_start(const Job& job) const;
  Status start(Job job);
  void reap();
  void report(TestResult result, const fs::path& folder);

  const Project& project_;
  const SuiteSpec& spec_;
  std::list<Job> waiting_;
  std::list<Running> running_;
  std::vector<TestResult> results_;
  std::size_t failed_ = 0;
};

void Suite::report(TestResult result, const fs::path& folder) {
  if (!result.passed) ++failed_;
  fmt::print("{} {} - {} {} # {:.1f} s\n", result.passed ? "ok" : "not ok", results_.size() + 1,
             result.group, result.name, result.seconds);
  if (!result.passed) fmt::print("# {}\n", result.message);
  for (const std::string& line : result.diagnostics) fmt::print("#   {}\n", line);
  if (!result.passed && !folder.empty()) fmt::print("# see {}\n", folder.string());
  std::fflush(stdout);
  results_.push_back(std::move(result));
}

Status Suite::plan() {
  auto cases = find_cases(project_.source / "vm/cases", spec_.only);
  if (!cases) return tl::unexpected(cases.error());
  std::set<std::string> names;
  for (const std::string& name : spec_.kernels) {
    auto kernel = find_kernel(project_.source, name);
    if (!kernel) return tl::unexpected(kernel.error());
    // One would be judged by what the other has left.
    if (!names.insert(last_part(name)).second)
      return fail(EINVAL,
                  fmt::format("there are two kernels {} in KERNEL=; run one after the other",
                              last_part(name)));
    for (const CaseFile& test : *cases)
      if (test.runs_on(name)) waiting_.push_back({name, *kernel, test});
  }
  if (waiting_.empty())
    return fail(EINVAL,
                fmt::format("{} does not run on the chosen kernels; see its header", spec_.only));
  // The widest and longest first: at the end only small ones are left to fill the gaps.
  waiting_.sort([](const Job& a, const Job& b) {
    return std::pair(a.test.smp, a.test.timeout_s) > std::pair(b.test.smp, b.test.timeout_s);
  });
  return {};
}

// "Total Tests: 12"; none at all is one failure.
Result<std::size_t> Suite::count_unit_tests() const {
  auto finished =
      run_program({"ctest", "--test-dir", project_.binaries.parent_path().string(), "-N"});
  if (!finished) return tl::unexpected(finished.error());
  static const std::regex total(R"(Total Tests: (\d+))");
  std::smatch match;
  std::size_t count =
      std::regex_search(finished->out, match, total) ? std::stoul(match[1]) : std::size_t{0};
  return std::max<std::size_t>(count, 1);
}

// "      3/12 Test  #3: wire_test ........   Passed    0.01 sec"
Status Suite::run_unit_tests() {
  auto finished = run_program({"ctest", "--test-dir", project_.binaries.parent_path().string(),
                               "-j", std::to_string(std::thread::hardware_concurrency())});
  if (!finished) return tl::unexpected(finished.error());
  static const std::regex line_format(R"(Test +#\d+: (\S+) \.+ *(\*\*\*)?(.*\S) +([0-9.]+) sec.*)");
  std::istringstream lines(finished->out);
  std::size_t before = results_.size();
  std::size_t failed_before = failed_;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_search(line, match, line_format)) continue;
    bool passed = match[3] == "Passed";
    report({"host", match[1], passed, std::stod(match[4]),
            passed ? ""
                   : fmt::format("{}; ctest --test-dir build/cmake -R {} shows why", match[3].str(),
                                 match[1].str())},
           {});
  }
  if (results_.size() == before || (finished->status != 0 && failed_ == failed_before))
    report({"host", "ctest", false, 0, "found no unit tests, or could not run them"}, {});
  return {};
}

// One guest at least; beyond that, no more CPUs in guests than the host's can serve in turns.
bool Suite::may_start(const Job& job) const {
  unsigned host = std::max(1u, std::thread::hardware_concurrency());
  unsigned jobs = spec_.jobs ? spec_.jobs : host;
  if (running_.empty()) return true;
  if (running_.size() >= jobs) return false;
  unsigned cpus = job.test.smp;
  for (const Running& run : running_) cpus += run.job.test.smp;
  return spec_.jobs != 0 || cpus <= 2 * host;
}

Status Suite::start(Job job) {
  Running run;
  std::string name = last_part(job.kernel_name) + "-" + job.test.name;
  std::replace(name.begin(), name.end(), '/', '-');
  run.folder = spec_.folder / name;
  run.log = run.folder.string() + ".log";
  run.start = Clock::now();
  Fd log(open(run.log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!log) return fail_errno("cannot write " + run.log.string());
  auto child = Child::start(
      {fs::read_symlink("/proc/self/exe").string(), "run", "--quiet", "-k",
       job.kernel.folder.string(), "--case", job.test.path.string(), "-o", run.folder.string()},
      project_.source, -1, -1, log.get());
  if (!child) return tl::unexpected(child.error());
  run.child = std::move(*child);
  run.job = std::move(job);
  running_.push_back(std::move(run));
  return {};
}

void Suite::reap() {
  for (auto run = running_.begin(); run != running_.end();) {
    int status = 0;
    double cpu = 0;
    if (!run->child.ended(false, status, cpu)) {
      ++run;
      continue;
    }
    const nlohmann::json seen = read_report(*run);
    std::string problem = compare(*run, seen);
    double seconds = std::chrono::duration<double>(Clock::now() - run->start).count();
    report(
        {run->job.kernel_name, run->job.test.name, problem.empty(), seconds, problem,
         problem.empty() || seen.is_discarded() ? std::vector<std::string>{} : diagnostics(seen)},
        run->folder);
    std::error_code ignored;
    if (fs::exists(run->folder / "case.json")) fs::remove(run->log, ignored);
    run = running_.erase(run);
  }
}

Result<bool> Suite::run() {
  if (auto planned = plan(); !planned) return tl::unexpected(planned.error());
  std::error_code error;
  fs::create_directories(spec_.folder, error);
  if (error) return fail(error.value(), "cannot make " + spec_.folder.string());
  // A case that could not even begin would be judged by what an earlier run has left.
  if (!fs::is_empty(spec_.folder, error))
    return fail(EEXIST, "the folder " + spec_.folder.string() + " is not empty; give a new one");

  std::size_t unit_tests = 0;
  if (spec_.only.empty()) {
    auto counted = count_unit_tests();
    if (!counted) return tl::unexpected(counted.error());
    unit_tests = *counted;
  }
  fmt::print("KTAP version 1\n1..{}\n", unit_tests + waiting_.size());
  std::fflush(stdout);
  if (spec_.only.empty())
    if (auto done = run_unit_tests(); !done) return tl::unexpected(done.error());

  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  Fd signals(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  bool stopped = false;
  while (!running_.empty() || (!waiting_.empty() && !stopped)) {
    for (auto job = waiting_.begin(); job != waiting_.end() && !stopped;) {
      if (!may_start(*job)) {
        ++job;
        continue;
      }
      Job next = std::move(*job);
      job = waiting_.erase(job);
      if (auto started = start(std::move(next)); !started) return tl::unexpected(started.error());
    }
    pollfd fd = {signals.get(), POLLIN, 0};
    poll(&fd, 1, 1000);
    for (signalfd_siginfo info; read(signals.get(), &info, sizeof info) == sizeof info;) {
      if (info.ssi_signo == SIGCHLD) continue;
      stopped = true;  // each child ends its guest and says so
      for (const Running& run : running_) run.child.kill(SIGTERM);
    }
    reap();
  }
  for (const Job& job : waiting_)
    report({job.kernel_name, job.test.name, false, 0, "not run: stopped by the user"}, {});
  if (auto written = write_junit(spec_.folder / "junit.xml", results_); !written)
    return tl::unexpected(written.error());
  fmt::print("# junit: {}\n", (spec_.folder / "junit.xml").string());
  fmt::print("{} passed, {} failed\n", results_.size() - failed_, failed_);
  return failed_ == 0;
}

}  // namespace

Result<bool> run_suite(const Project& project, const SuiteSpec& spec) {
  return Suite(project, spec).run();
}

}  // namespace raceless::vm
