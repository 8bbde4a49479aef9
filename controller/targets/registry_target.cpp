// SPDX-License-Identifier: GPL-2.0
#include "targets/registry_target.h"

#include <fmt/format.h>
#include <unistd.h>

#include "clock.h"
#include "module_loader.h"
#include "targets/eventually.h"
#include "targets/module_cycle.h"
#include "targets/promises.h"
#include "targets/registry_workers.h"
#include "uapi/raceless.h"

namespace raceless {

namespace {

// Text and code, of the sizes that people compress; every guest has some of them.
const std::vector<std::string> kFiles = {"/proc/self/exe", "/bin/busybox", "/proc/kallsyms",
                                         "/lib/x86_64-linux-gnu/libc.so.6"};

std::string broken_key(uint32_t promise) { return fmt::format("broken_{}", promise); }

Result<std::unique_ptr<Worker>> make_loader(Surroundings surroundings, RegistryScene& scene) {
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return tl::unexpected(loader.error());
  Result<KernelModule> module = loader->find(scene.module);
  if (!module) return tl::unexpected(module.error());
  return std::make_unique<RegistryLoader>(std::move(surroundings), scene, std::move(*loader),
                                          std::move(*module));
}

}  // namespace

RegistryTarget::RegistryTarget(const Parameters& parameters, const std::string& provider)
    : names_{provider}, options_(parameters.module_options) {
  scene_.provider = provider;
  scene_.module = "raceless_sample_" + provider;
  scene_.timeout_ns = parameters.timeout_ns;
  if (provider == "chaos" && options_.find("fail_every=") != std::string::npos)
    scene_.excuses.init_error = EIO;  // what it fails with on request
}

RegistryTarget::~RegistryTarget() {
  // As it was before: not loaded. In use, it stays; check_end() has said so.
  if (prepared_) (void)delete_module(scene_.module);
}

Crews RegistryTarget::default_crews() const {
  return {{{1, {0, 20 * kNsPerMs, 25}},   // loaders
           {1, {0, 20 * kNsPerMs, 50}},   // unloaders
           {8, {0, 1 * kNsPerMs, 75}}}};  // consumers
}

uint64_t RegistryTarget::max_hold_ns() const { return 5 * kNsPerMs; }

Tracing::Options RegistryTarget::tracing_options() const {
  Tracing::Options options;
  options.registry = true;
  options.module_gets = false;
  options.modules = {scene_.module};
  options.tgid = getpid();
  options.pin_dir = Tracing::default_pin_dir;
  return options;
}

Status RegistryTarget::make_exercise() {
  if (scene_.provider != "codec") {
    scene_.exercise = std::make_unique<CanaryExercise>();
    return {};
  }
  Result<std::unique_ptr<Exercise>> exercise = RoundTripExercise::create(kFiles);
  if (!exercise) return tl::unexpected(exercise.error());
  scene_.exercise = std::move(*exercise);
  return {};
}

Status RegistryTarget::prepare() {
  if (Status made = make_exercise(); !made) return made;
  Result<ModuleOptions> options = ModuleOptions::set(scene_.module, options_);
  if (!options) return tl::unexpected(options.error());
  module_options_.emplace(std::move(*options));
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return tl::unexpected(loader.error());
  for (const std::string& name : {std::string("raceless"), scene_.module}) {
    Result<KernelModule> module = loader->find(name);
    if (!module)
      return fail(0, module.error().message() + "; use the VM: make storm, or make vm-shell");
    Status loaded = module->load_with_dependencies();
    // A provider whose init may fail gets its chance in the storm.
    if (!loaded && !(name == scene_.module && loaded.error().code == scene_.excuses.init_error))
      return loaded;
  }
  prepared_ = true;
  return read_start();
}

// What the checks look at must be there: a name that is not would read as 0 for ever.
Status RegistryTarget::read_start() {
  const Result<StateFile> state = StateFile::read();
  if (!state) return tl::unexpected(state.error());
  std::string missing;
  for (const char* column : {"refs", "waiters"})
    if (!state->has_column(column)) missing = column;
  for (const char* key : {"flights", "flight_errors", "descriptors_opened", "descriptors_closed"})
    if (!state->total(key)) missing = key;
  for (uint32_t promise = 1; promise < RACELESS_NR_PROMISES; promise++)
    if (!state->total(broken_key(promise))) missing = broken_key(promise);
  if (!missing.empty())
    return fail(EPROTO, std::string(RACELESS_STATE_FILE) + " lacks " + missing +
                            "; raceless.ko is of another version than this command");
  totals_at_start_ = state->totals();
  return {};
}

Result<std::unique_ptr<Worker>> RegistryTarget::make_worker(Surroundings surroundings) {
  if (surroundings.role == Role::loader) return make_loader(std::move(surroundings), scene_);
  Result<Device> device = Device::open();
  if (!device) return tl::unexpected(device.error());
  if (surroundings.role == Role::unloader)
    return std::make_unique<RegistryUnloader>(std::move(surroundings), scene_, std::move(*device));
  return std::make_unique<RegistryConsumer>(std::move(surroundings), scene_, std::move(*device));
}

void RegistryTarget::check_during(Findings& findings) {
  const Result<StateFile> state = StateFile::read();
  if (!state) {
    findings.report({RACELESS_PROMISE_NONE, state.error().message(), 0, "kernel", 0});
    return;
  }
  totals_ = state->totals();
  for (uint32_t promise = 1; promise < RACELESS_NR_PROMISES; promise++) {
    const uint64_t broken = since_start(broken_key(promise));
    if (broken == broken_[promise]) continue;
    findings.report(
        {promise, fmt::format("the registry has seen it {} times", broken), 0, "kernel", 0});
    broken_[promise] = broken;
  }
}

Status RegistryTarget::await_no_users() const {
  const bool nobody = eventually([&] {
    const Result<Users> users = read_users();
    return users && users->references + users->waiters + users->retiring == 0;
  });
  if (nobody) return {};
  return fail(EBUSY, "references or waiters of " + scene_.provider + " are left");
}

Status RegistryTarget::rest(Tally& tally) {
  if (Status nobody = await_no_users(); !nobody) return nobody;
  return rest_module(scene_.module, tally);
}

TestedCode RegistryTarget::tested_code() const {
  TestedCode code;
  Result<ModuleLoader> loader = ModuleLoader::create();
  for (const std::string& name : {std::string("raceless"), scene_.module})
    if (loader)
      if (const Result<KernelModule> module = loader->find(name)) code.add(name, module->path());
  return code;
}

void RegistryTarget::check_end(Findings& findings) {
  check_at_rest(findings);
  check_cycle(findings);
  if (!eventually([&] { return !flying(); }))
    findings.report({RACELESS_PROMISE_ONE_FLIGHT, "a flight does not land", 0, "end", 0});
}

Result<RegistryTarget::Users> RegistryTarget::read_users() const {
  const Result<StateFile> state = StateFile::read();
  if (!state) return tl::unexpected(state.error());
  Users users;
  for (const std::string& name : names_) {
    const SlotState* slot = state->find(name);
    if (slot == nullptr) continue;
    users.references += slot->number("refs") + slot->number("beside_refs");
    users.waiters += slot->number("waiters");
    users.flights += slot->number("flying");
    users.retiring += slot->text("beside_state").empty() ? 0 : 1;
  }
  return users;
}

// A flight may land after everyone has what it brought; until then, not all of it is counted.
bool RegistryTarget::flying() const {
  const Result<Users> users = read_users();
  return users && users->flights != 0;
}

// Everyone has put what it got: nothing may be left.
void RegistryTarget::check_at_rest(Findings& findings) {
  Users left;
  int64_t descriptors = 0;  // fewer than none: somebody has closed what was open before
  const bool at_rest = eventually([&] {
    const Result<StateFile> state = StateFile::read();
    const Result<Users> users = read_users();
    if (!state || !users) return false;
    totals_ = state->totals();
    left = *users;
    descriptors =
        static_cast<int64_t>(since_start("descriptors_opened") - since_start("descriptors_closed"));
    return left.references == 0 && left.waiters == 0 && descriptors <= 0;
  });
  if (!at_rest)
    findings.report({RACELESS_PROMISE_LEAVES_NOTHING,
                     fmt::format("{} references, {} waiters and {} descriptors are left",
                                 left.references, left.waiters, std::max<int64_t>(descriptors, 0)),
                     0, "end", 0});
  if (!eventually([&] { return module_refcount(scene_.module).value_or(0) == 0; }))
    findings.report({RACELESS_PROMISE_LEAVES_NOTHING,
                     fmt::format("the count of {} stays at {}", scene_.module,
                                 module_refcount(scene_.module).value_or(0)),
                     0, "end", 0});
}

// And it can be loaded, got and unloaded once more.
void RegistryTarget::check_cycle(Findings& findings) {
  const auto broken = [&](const std::string& what) {
    findings.report({RACELESS_PROMISE_NONE, "after the storm: " + what, 0, "end", 0});
  };
  Result<Device> device = Device::open();
  if (!device) return broken(device.error().message());
  const GetResult<Got> got = device->get(scene_.provider, scene_.timeout_ns);
  count_check(got);
  if (got) {
    if (const Status put = device->put(got->ref); !put) broken(put.error().message());
  } else {
    for (const Broken& one : check_refusal(got.error(), scene_.excuses)) broken(one.what);
  }
  int error = 0;
  const bool deleted = eventually([&] {
    error = delete_module(scene_.module);
    checks_["check_delete_" + outcome_name(error)]++;
    return error == 0 || error == ENOENT;
  });
  if (!deleted) broken(Error{error, "cannot unload " + scene_.module}.message());
}

// The registry counts this get like any other; no thread of the storm does.
void RegistryTarget::count_check(const GetResult<Got>& got) {
  if (!got)
    checks_[std::string("check_get_failures_") + reason_name(got.error().reason)]++;
  else
    checks_["check_gets"]++;
  if (got && waited(got->grant)) checks_["check_waits"]++;
}

uint64_t RegistryTarget::since_start(const std::string& total) const {
  const auto now = totals_.find(total);
  const auto before = totals_at_start_.find(total);
  if (now == totals_.end()) return 0;
  return now->second - (before == totals_at_start_.end() ? 0 : before->second);
}

uint64_t RegistryTarget::reloads(const Counts& /*totals*/) const {
  return since_start("flights") - since_start("flight_errors");
}

std::map<std::string, uint64_t> RegistryTarget::extra_counters() const {
  std::map<std::string, uint64_t> counters = checks_;
  for (const auto& [key, value] : totals_) counters["registry_" + key] = since_start(key);
  return counters;
}

}  // namespace raceless
