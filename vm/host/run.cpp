// SPDX-License-Identifier: GPL-2.0
#include "run.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "../wire.h"
#include "archive.h"
#include "cache.h"
#include "console.h"
#include "kernel.h"
#include "qemu.h"
#include "recording.h"
#include "replay.h"
#include "report.h"
#include "tsc.h"

namespace raceless::vm {
namespace {

namespace fs = std::filesystem;

// Emulated kernels die in early boot now and then (a code-patching race of TCG, about 1 in 50), or
// stall there, on a busy host.
constexpr int max_boots = 4;
constexpr std::uintmax_t needed_free_bytes = 256u << 20;

double host_load() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : 0;
}

Status check_space(const fs::path& folder) {
  std::error_code error;
  fs::space_info space = fs::space(folder, error);
  if (!error && space.available < needed_free_bytes)
    return fail(0, fmt::format("{} has {} MiB free, a run needs {}", folder.string(),
                               space.available >> 20, needed_free_bytes >> 20));
  return {};
}

// A hard link when the file system allows it: a real file that costs nothing.
Status link_or_copy(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_hard_link(fs::canonical(from), to, error);
  if (error) fs::copy_file(from, to, error);
  if (error) return fail(error.value(), "cannot put " + from.string() + " into the run folder");
  return {};
}

Status make_disk(const fs::path& file) {
  std::error_code error;
  fs::remove(file, error);
  std::ofstream(file).flush();
  fs::resize_file(file, results_disk_bytes, error);
  if (error) return fail(error.value(), "cannot make the results disk " + file.string());
  return {};
}

std::string init_options(const RunSpec& spec, bool results_port) {
  wire::Fields fields = {{"results", spec.results_disk ? "1" : "0"},
                         {"port", results_port ? "1" : "0"},
                         {"terminal", spec.terminal ? "1" : "0"},
                         {"input", spec.input ? "1" : "0"},
                         {"audit", spec.audit ? "1" : "0"}};
  winsize size{};
  if (spec.terminal && ioctl(0, TIOCGWINSZ, &size) == 0 && size.ws_row > 0) {
    fields["rows"] = std::to_string(size.ws_row);
    fields["columns"] = std::to_string(size.ws_col);
  }
  return wire::encode_fields(fields);
}

std::vector<std::string> guest_environment(const RunSpec& spec, const Accel& accel) {
  std::vector<std::string> env = {"PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin", "HOME=/root",
                                  "RACELESS_RESULTS=/results", "RACELESS_ACCEL=" + accel.name};
  if (spec.terminal) {
    const char* term = std::getenv("TERM");
    env.push_back(std::string("TERM=") + (term ? term : "vt100"));
    env.push_back("ENV=/etc/profile");
  }
  for (const char* name : {"RACELESS_COMMIT", "NO_COLOR"})
    if (const char* value = std::getenv(name)) env.push_back(std::string(name) + "=" + value);
  env.insert(env.end(), spec.files.env.begin(), spec.files.env.end());
  return env;
}

// Boots the kernel with KVM to see if that works here. The answer holds until the host reboots or
// has another QEMU, so the cache keeps it; a probe that was stopped is no answer.
Result<bool> probe_kvm(const Project& project, const Kernel& kernel, const SplatRules& rules,
                       const std::string& qemu_version) {
  std::string boot;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
  auto folder = cached(
      project.cache / "kvm", fmt::format("{}\n{}\n{}\n", boot, qemu_version, kernel.release),
      [](const fs::path& f) { return fs::exists(f / "works"); },
      [&](const fs::path& f) -> Status {
        GuestFiles files;
        files.argv = {"/bin/busybox", "true"};
        if (auto made = make_initramfs(project, kernel, files, f / "initramfs"); !made) return made;
        if (auto linked = link_or_copy(kernel.image(), f / "vmlinuz"); !linked) return linked;
        Machine machine;
        machine.accel = "kvm";
        SessionOptions options;
        options.folder = f;
        options.command = machine.command();
        options.boot_limit_s = options.limit_s = 20;
        options.copy_output = false;
        SessionResult result = run_session(options, rules);
        if (result.seen.interrupted) return fail(EINTR, "stopped while trying whether KVM works");
        if (!result.seen.broken_host.empty()) return fail(0, result.seen.broken_host);
        std::ofstream(f / "works") << (judge(result.seen).verdict == Verdict::Pass ? "yes" : "no");
        return {};
      });
  if (!folder) return tl::unexpected(folder.error());
  std::string answer;
  std::ifstream(*folder / "works") >> answer;
  return answer == "yes";
}

// Boots until init came up, at most max_boots times; once more if the emulator has killed the
// guest.
SessionResult boot(const RunSpec& spec, const std::string& qemu_version, const Machine& machine,
                   const SessionOptions& options, const SplatRules& rules,
                   const std::function<void(const std::string&)>& say) {
  for (int boots = 1;; ++boots) {
    if (machine.results_disk && !machine.results_port)
      if (auto made = make_disk(spec.folder / "results.img"); !made) {
        SessionResult result;
        result.seen.broken_host = made.error().message();
        return result;
      }
    SessionResult result = run_session(options, rules);
    result.seen.boots = boots;
    const bool possible =
        !result.seen.interrupted && result.seen.broken_host.empty() && !spec.record;
    const bool emulators_fault = machine.accel == "tcg" && boots == 1 && !result.seen.ended &&
                                 died_of_vanished_int3(read_console(spec.folder / "console.log"),
                                                       spec.kernel.release, qemu_version);
    if (!possible || !(emulators_fault || (!result.seen.started && boots < max_boots)))
      return result;
    const fs::path kept = spec.folder / fmt::format("console.died-{}.log", boots);
    std::error_code ignored;
    fs::rename(spec.folder / "console.log", kept, ignored);
    if (emulators_fault)
      say("the emulated CPU ran an int3 that memory did not have any more; once again (" +
          kept.string() + ")");
  }
}

void collect_results(const fs::path& folder, Evidence& seen) {
  fs::path image = folder / "results.img";
  if (seen.results == "saved")
    if (auto unpacked = extract_tar(image, folder); !unpacked)
      seen.results_error = unpacked.error().message();
  std::error_code ignored;
  fs::remove(image, ignored);
}

void collect_ktap(const fs::path& folder, bool demand_ktap, Evidence& seen) {
  std::ostringstream text;
  text << std::ifstream(folder / "stdout").rdbuf();
  std::string lines = ktap_lines(text.str());
  if (demand_ktap) seen.ktap = read_ktap(lines);
  if (demand_ktap || lines.find("TAP version") != std::string::npos)
    std::ofstream(folder / "ktap") << lines;
}

// Removes a folder that this run made, unless it is told that the run came to something.
class NewFolder {
 public:
  [[nodiscard]] Status make(const fs::path& path) {
    std::error_code error;
    if (fs::exists(path) && !fs::is_empty(path, error))
      return fail(EINVAL, "the run folder " + path.string() + " is not empty");
    bool existed = fs::exists(path);
    fs::create_directories(path, error);
    if (error) return fail(error.value(), "cannot make the run folder " + path.string());
    path_ = path;
    existed_ = existed;
    return {};
  }
  void keep() { path_.clear(); }
  ~NewFolder() {
    if (path_.empty()) return;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(path_, ignored))
      fs::remove_all(entry.path(), ignored);
    if (!existed_) fs::remove(path_, ignored);
  }

 private:
  fs::path path_;
  bool existed_ = false;
};

// With their symbols, for a debugger: module/build leaves those in work/.
Status keep_symbols(const Project& project, const RunSpec& spec) {
  fs::path folder = project.built_modules(spec.kernel.release) / "work";
  std::error_code error;
  if (!spec.files.raceless || !fs::exists(folder)) return {};
  fs::create_directory(spec.folder / "symbols", error);
  for (fs::recursive_directory_iterator entry(folder, error), end; entry != end;
       entry.increment(error))
    if (entry->path().extension() == ".ko")
      if (auto linked =
              link_or_copy(entry->path(), spec.folder / "symbols" / entry->path().filename());
          !linked)
        return linked;
  return error ? Status(fail(error.value(), "cannot keep the modules' symbols")) : Status();
}

// Writes down what a replay needs and must come to, and replays it as often as was asked for.
Status keep_recording(const Project& project, const RunSpec& spec, const Machine& machine,
                      const std::string& version, RunOutcome& outcome,
                      const std::function<void(const std::string&)>& say) {
  Recording r;
  r.kernel = spec.kernel.release;
  r.qemu = version;
  r.machine = machine;
  r.allow = spec.allow;
  r.demand_ktap = spec.demand_ktap;
  r.limit_s = spec.timeout_s;
  r.audited = spec.audit;
  r.timed_out = outcome.seen.timed_out;
  r.interrupted = outcome.seen.interrupted;
  r.seconds = outcome.times.total_s;
  r.verdict = name_of(outcome.judgement.verdict);
  r.cause = outcome.judgement.cause;
  r.instructions = outcome.instructions;
  auto firmware = digest_firmware();
  if (!firmware) return tl::unexpected(firmware.error());
  r.firmware = *firmware;
  auto inputs = digest_inputs(spec.folder);
  if (!inputs) return tl::unexpected(inputs.error());
  r.inputs = std::move(*inputs);
  auto outputs = digest_outputs(spec.folder);
  if (!outputs) return tl::unexpected(outputs.error());
  r.outputs = std::move(*outputs);
  if (auto written = write_recording(r, spec.folder); !written) return written;
  if (auto kept = keep_symbols(project, spec); !kept) return kept;
  say(fmt::format("recorded {:.1f} s in {:.1f} MB; vm/run --replay {} replays it", r.seconds,
                  static_cast<double>(fs::file_size(spec.folder / tape_file)) / 1e6,
                  spec.folder.string()));
  for (unsigned i = 1; i <= spec.replays; ++i) {
    auto replayed = replay(project, {spec.folder, "", false});
    if (!replayed) return tl::unexpected(replayed.error());
    say(describe(*replayed));
    if (replayed->differences.empty()) continue;
    outcome.judgement = {Verdict::Infra, fmt::format("replay {} of {} was not as recorded: {}", i,
                                                     spec.replays, replayed->differences[0])};
    break;
  }
  return {};
}

}  // namespace

Result<SplatRules> load_rules(const Project& project, const std::vector<std::string>& allow) {
  auto rules = SplatRules::load(project.source / "vm/splats");
  if (!rules) return rules;
  for (const std::string& pattern : allow)
    if (auto allowed = rules->allow(pattern); !allowed) return tl::unexpected(allowed.error());
  return rules;
}

void collect(const fs::path& folder, bool demand_ktap, Evidence& seen) {
  collect_results(folder, seen);
  collect_ktap(folder, demand_ktap, seen);
}

Result<RunOutcome> run_case(const Project& project, const RunSpec& spec,
                            const std::function<void(const std::string&)>& say) {
  auto version = qemu_version();
  if (!version) return tl::unexpected(version.error());
  if (spec.record && (spec.smp != 1 || spec.accel == "kvm"))
    return fail(EINVAL, "QEMU records one emulated CPU only: --record goes with -s 1 and tcg");
  auto rules = load_rules(project, spec.allow);
  if (!rules) return tl::unexpected(rules.error());
  for (const auto& [file, target] : spec.files.files)
    if (file.extension() == ".ko") rules->test(module_name(file));
  auto accel = choose_accel(spec.record ? "tcg" : spec.accel, "/",
                            [&] { return probe_kvm(project, spec.kernel, *rules, *version); });
  if (!accel) return tl::unexpected(accel.error());

  NewFolder folder;
  if (auto made = folder.make(spec.folder); !made) return tl::unexpected(made.error());
  if (auto enough = check_space(spec.folder); !enough) return tl::unexpected(enough.error());

  GuestFiles files = spec.files;
  files.env = guest_environment(spec, *accel);
  // A recorded guest has no disk, and one whose kernel would have to load NVMe does without.
  const bool results_port = spec.record || !is_built_in(spec.kernel, "nvme");
  files.options = init_options(spec, results_port);
  if (auto made = make_initramfs(project, spec.kernel, files, spec.folder / "initramfs"); !made)
    return tl::unexpected(made.error());
  if (auto linked = link_or_copy(spec.kernel.image(), spec.folder / "vmlinuz"); !linked)
    return tl::unexpected(linked.error());

  Machine machine;
  machine.accel = accel->name;
  machine.smp = spec.smp;
  const unsigned weight = spec.kernel.weight();
  machine.memory_mib = spec.memory_mib + (weight > 1 ? std::max(512U, spec.memory_mib) : 0);
  machine.results_disk = spec.results_disk;
  machine.results_port = results_port;
  machine.append = spec.append;
  auto perturbation = perturbation_arguments(std::getenv("PERTURB"));
  if (!perturbation) return tl::unexpected(perturbation.error());
  if (!perturbation->empty()) machine.append.push_back(*perturbation);
  // TCG reads the host's counter, for all CPUs; a busy host spoils the guest's own calibration. On
  // another host, qemu-cmd's clock is as wrong as the frequencies differ.
  if (accel->name == "tcg" && !spec.record && spec.kernel.lacks_clock())
    machine.append.push_back(fmt::format("tsc=reliable tsc_early_khz={}", measure_tsc_khz()));
  unsigned patience =
      accel->name == "kvm"
          ? 1
          : patience_for(host_load(), std::thread::hardware_concurrency(), spec.smp);
  if (spec.record) patience = recorded_patience;
  machine.patience = weight * patience;
  Machine saved = machine;
  if (spec.record) {
    machine.tape = Tape::Record;
    saved.tape = Tape::Replay;
  }
  SessionOptions options;
  options.folder = spec.folder;
  options.command = machine.command();
  options.tape = machine.tape;
  options.limit_s = stretched_limit(weight * spec.timeout_s, patience);
  options.boot_limit_s *= machine.patience;
  options.grace_s *= machine.patience;
  options.terminal = spec.terminal;
  options.input = spec.input;
  options.copy_output = spec.copy_output;
  fs::path script = spec.folder / "qemu-cmd";
  std::ofstream(script) << saved.script(
      options.limit_s == 0 ? 0 : options.limit_s + options.boot_limit_s);
  fs::permissions(script, fs::perms::owner_all | fs::perms::group_read | fs::perms::others_read);

  say(fmt::format("{}, {} CPUs, {} ({})", spec.kernel.release, spec.smp, accel->name,
                  accel->reason));

  SessionResult session = boot(spec, *version, machine, options, *rules, say);
  RunOutcome outcome;
  outcome.times = session.times;
  outcome.seen = std::move(session.seen);
  outcome.accel = *accel;
  outcome.seen.audited = spec.audit;
  outcome.instructions = session.instructions;
  collect(spec.folder, spec.demand_ktap, outcome.seen);
  outcome.judgement = judge(outcome.seen);
  folder.keep();
  if (spec.record)
    if (auto kept = keep_recording(project, spec, machine, *version, outcome, say); !kept)
      return tl::unexpected(kept.error());
  if (auto written = write_report(spec, machine, *version, outcome); !written)
    return tl::unexpected(written.error());
  return outcome;
}

}  // namespace raceless::vm
