// SPDX-License-Identifier: GPL-2.0
#include "targets/module_target.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

#include "clock.h"
#include "targets/eventually.h"
#include "targets/held_files.h"
#include "targets/module_cycle.h"
#include "targets/module_workers.h"
#include "targets/workload.h"
#include "text_file.h"

namespace raceless {

namespace {

constexpr uint64_t kTrialNs = 60 * kNsPerSecond;
constexpr uint64_t kLongestRestNs = kNsPerSecond;

// dmesg has the details; its last lines are what the user would look up next.
std::string load_advice(int error) {
  if (error == ENOEXEC || error == EINVAL || error == ENOENT)
    return " (the kernel log says why: a symbol or a version that does not fit?)";
  if (error == EPERM) return "; needs CAP_SYS_MODULE, or use make vm-shell";
  return "";
}

}  // namespace

ModuleTarget::ModuleTarget(const Parameters& parameters, const std::string& path)
    : options_(parameters.module_options) {
  scene_.path = path;
  scene_.workload = parameters.workload;
}

ModuleTarget::~ModuleTarget() {
  if (prepared_) (void)delete_module(scene_.module);
}

Crews ModuleTarget::default_crews() const {
  // Unloads leave the workload about the time that it needs, so that it meets them everywhere.
  const uint64_t rest_ns = std::min(2 * scene_.workload_ns, kLongestRestNs);
  return {{{1, {0, 2 * kNsPerMs, 50}},     // loaders
           {1, {0, rest_ns, 25}},          // unloaders
           {4, {0, 10 * kNsPerMs, 50}}}};  // consumers
}

uint64_t ModuleTarget::max_hold_ns() const { return 200 * kNsPerMs; }

Tracing::Options ModuleTarget::tracing_options() const {
  Tracing::Options options;
  options.modules = {scene_.module};
  options.tgid = getpid();
  options.pin_dir = Tracing::default_pin_dir;
  return options;
}

// Is it a module, and one of this kernel?
Status ModuleTarget::check_file() {
  if (access(scene_.path.c_str(), R_OK) != 0) return fail_errno("cannot read " + scene_.path);
  Result<KernelModule> file = loader_->open(scene_.path);
  if (!file) return tl::unexpected(file.error());
  const auto info = file->info();
  if (!info) return tl::unexpected(info.error());
  const auto magic = info->find("vermagic");
  if (magic == info->end())
    return fail(0, scene_.path + " is not a kernel module: it has no vermagic");
  utsname kernel{};
  uname(&kernel);
  const std::vector<std::string> words = split_words(magic->second);
  const std::string built_for = words.empty() ? "" : words[0];
  if (built_for != kernel.release)
    return fail(0, fmt::format("{} was built for the kernel {}, and this one is {}; build it "
                               "against that kernel's headers",
                               scene_.path, built_for, kernel.release));
  const auto name = info->find("name");
  scene_.module = name == info->end() ? file->name() : name->second;
  std::ranges::replace(scene_.module, '-', '_');
  file_.emplace(std::move(*file));
  return {};
}

// Without a storm, the workload must work: else there is nothing to find out.
Status ModuleTarget::try_workload() {
  const uint64_t start_ns = now_ns();
  Result<Workload> workload = Workload::start(scene_.workload);
  if (!workload) return tl::unexpected(workload.error());
  if (!workload->wait(kTrialNs))
    return fail(ETIMEDOUT,
                "the workload does not end by itself; it is run again and again, so "
                "make it one use that ends");
  const WorkloadEnd end = workload->end();
  if (!end.ok()) return fail(0, "the workload fails even without a storm: " + end.describe());
  scene_.workload_ns = now_ns() - start_ns;
  return {};
}

Status ModuleTarget::prepare() {
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return tl::unexpected(loader.error());
  loader_.emplace(std::move(*loader));
  if (Status checked = check_file(); !checked) return checked;
  Result<ModuleOptions> options = ModuleOptions::set(scene_.module, options_);
  if (!options) return tl::unexpected(options.error());
  module_options_.emplace(std::move(*options));
  if (module_state(scene_.module) != ModuleState::absent)
    return fail(EEXIST, "the module " + scene_.module + " is loaded already; unload it first");
  scene_.other_devices = HeldFiles::known_devices();
  if (const Status loaded = file_->load_with_dependencies(); !loaded)
    return fail(loaded.error().code, loaded.error().context + load_advice(loaded.error().code));
  prepared_ = true;
  if (Status works = try_workload(); !works) return works;
  int error = 0;
  const bool unloaded = eventually([&] { return (error = delete_module(scene_.module)) == 0; });
  if (!unloaded) return fail(error, "cannot unload " + scene_.module + " even without a storm");
  return {};
}

Result<std::unique_ptr<Worker>> ModuleTarget::make_worker(Surroundings surroundings) {
  if (surroundings.role == Role::consumer)
    return std::make_unique<ModuleConsumer>(std::move(surroundings), scene_);
  if (surroundings.role == Role::unloader)
    return std::make_unique<ModuleUnloader>(std::move(surroundings), scene_);
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return tl::unexpected(loader.error());
  Result<KernelModule> file = loader->open(scene_.path);
  if (!file) return tl::unexpected(file.error());
  return std::make_unique<ModuleFileLoader>(std::move(surroundings), scene_, std::move(*loader),
                                            std::move(*file));
}

Status ModuleTarget::rest(Tally& tally) { return rest_module(scene_.module, tally); }

TestedCode ModuleTarget::tested_code() const {
  TestedCode code;
  code.add(scene_.module, scene_.path);
  return code;
}

void ModuleTarget::check_end(Findings& findings) {
  loaded_now_ = module_state(scene_.module) == ModuleState::live;
  check_module_cycles(*file_, findings);
}

uint64_t ModuleTarget::reloads(const Counts& totals) const {
  return loads_by_request(totals, false, loaded_now_);
}

std::map<std::string, uint64_t> ModuleTarget::extra_counters() const {
  return {{"unloaded_under_file", scene_.unloaded_under_file},
          {"refused_under_file", scene_.refused_under_file},
          {"plain_files_removed", scene_.plain_files_removed}};
}

Result<std::unique_ptr<Target>> make_module_target(const Parameters& parameters,
                                                   const std::string& path) {
  if (path.empty()) return fail(0, "module: needs the path of a module, as in module:./my.ko");
  if (parameters.workload.empty())
    return fail(0, "module:PATH needs --workload COMMAND: one use of the module");
  return std::make_unique<ModuleTarget>(parameters, path);
}

}  // namespace raceless
