// SPDX-License-Identifier: GPL-2.0
#include "targets/stock_target.h"

#include <unistd.h>

#include "clock.h"
#include "targets/module_cycle.h"

namespace raceless {

namespace {

class StockConsumer : public Worker {
 public:
  StockConsumer(Surroundings surroundings, std::unique_ptr<Use> use)
      : surroundings_(std::move(surroundings)), use_(std::move(use)) {}

  void run(const Op& op) override {
    Tally& tally = surroundings_.tally;
    const uint64_t start_ns = now_ns();
    const int error = use_->run(op);
    const uint64_t elapsed_ns = now_ns() - start_ns;
    tally.add(Count::uses);
    tally.record(error == 0 ? Latency::use : Latency::use_failed, elapsed_ns);
    if (error == 0) return;
    tally.add(Count::user_failures);
    tally.add(Breakdown::user_failures_by_errno, outcome_name(error));
    tally.add(Breakdown::user_failures_by_cause, surroundings_.tracer.cause(start_ns));
  }

 private:
  Surroundings surroundings_;
  std::unique_ptr<Use> use_;
};

class StockUnloader : public Worker {
 public:
  StockUnloader(Surroundings surroundings, std::string module)
      : surroundings_(std::move(surroundings)), module_(std::move(module)) {}

  void run(const Op& /*op*/) override { delete_and_count(module_, surroundings_.tally); }

 private:
  Surroundings surroundings_;
  std::string module_;
};

class StockLoader : public Worker {
 public:
  StockLoader(Surroundings surroundings, ModuleLoader loader, KernelModule file)
      : surroundings_(std::move(surroundings)),
        loader_(std::move(loader)),
        file_(std::move(file)) {}

  void run(const Op& /*op*/) override { load_and_count(file_, surroundings_.tally); }

 private:
  Surroundings surroundings_;
  ModuleLoader loader_;
  KernelModule file_;
};

}  // namespace

StockTarget::StockTarget(const Parameters& parameters, std::string module, Crew crew)
    : module_(std::move(module)), consumers_(crew), options_(parameters.module_options) {}

StockTarget::~StockTarget() {
  if (!file_) return;
  // As it was before.
  if (loaded_before_)
    (void)file_->load();
  else
    (void)delete_module(file_->name());
}

Crews StockTarget::default_crews() const {
  // The unloader is as tight as it can be; loads are those that the consumers cause.
  return {{{0, {0, 20 * kNsPerMs, 25}}, {1, {0, 0, 100}}, consumers_}};
}

Tracing::Options StockTarget::tracing_options() const {
  Tracing::Options options;
  options.modules = {file_ ? file_->name() : module_};
  options.tgid = getpid();
  options.pin_dir = Tracing::default_pin_dir;
  return options;
}

Status StockTarget::prepare() {
  Result<ModuleOptions> options = ModuleOptions::set(module_, options_);
  if (!options) return tl::unexpected(options.error());
  module_options_.emplace(std::move(*options));
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return tl::unexpected(loader.error());
  loader_.emplace(std::move(*loader));
  Result<KernelModule> file = loader_->find(module_);
  if (!file)
    return fail(file.error().code,
                file.error().context + " (in the VM: vm/run -m " + module_ + ")");
  loaded_before_ = module_state(file->name()) == ModuleState::live;
  // Once, with what it needs: so that a storm of loads is about this module alone.
  if (Status loaded = file->load_with_dependencies(); !loaded) return loaded;
  file_.emplace(std::move(*file));
  // Can it be unloaded at all? "Permanent" modules, and those in use, cannot.
  if (const int error = delete_module(file_->name()); error != 0)
    return fail(error, "cannot unload " + file_->name() + ", so that there is no storm to make");
  loaded_now_ = false;
  return {};
}

Result<std::unique_ptr<Worker>> StockTarget::make_worker(Surroundings surroundings) {
  if (surroundings.role == Role::unloader)
    return std::make_unique<StockUnloader>(std::move(surroundings), file_->name());
  if (surroundings.role == Role::consumer) {
    Result<std::unique_ptr<Use>> use = make_use(surroundings);
    if (!use) return tl::unexpected(use.error());
    return std::make_unique<StockConsumer>(std::move(surroundings), std::move(*use));
  }
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return tl::unexpected(loader.error());
  Result<KernelModule> file = loader->find(module_);
  if (!file) return tl::unexpected(file.error());
  return std::make_unique<StockLoader>(std::move(surroundings), std::move(*loader),
                                       std::move(*file));
}

Status StockTarget::rest(Tally& tally) { return rest_module(file_->name(), tally); }

TestedCode StockTarget::tested_code() const {
  TestedCode code;
  code.add(file_->name(), file_->path());
  return code;
}

void StockTarget::check_end(Findings& findings) {
  loaded_now_ = module_state(file_->name()) == ModuleState::live;
  check_module_cycles(*file_, findings);
}

uint64_t StockTarget::reloads(const Counts& totals) const {
  // prepare() has left it unloaded.
  return loads_by_request(totals, false, loaded_now_);
}

}  // namespace raceless
