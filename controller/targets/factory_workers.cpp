// SPDX-License-Identifier: GPL-2.0
#include "targets/factory_workers.h"

#include "clock.h"

namespace raceless {

namespace {

constexpr uint32_t kDestroyPercent = 70;  // of the operations on a part
constexpr uint32_t kAlonePercent = 90;    // up to here: unloads of one name, then of some together
constexpr size_t kTogether = 8;

// One worker of the registry for each name, with a descriptor of its own.
template <typename Each>
Result<std::vector<std::unique_ptr<Each>>> one_for_each(const Surroundings& surroundings,
                                                        FactoryScene& names) {
  std::vector<std::unique_ptr<Each>> all;
  for (const auto& scene : names.names) {
    Result<Device> device = Device::open();
    if (!device) return tl::unexpected(device.error());
    all.push_back(std::make_unique<Each>(surroundings, *scene, std::move(*device)));
  }
  return all;
}

}  // namespace

Result<FactoryOrders> FactoryOrders::open(Surroundings surroundings, RegistryScene& factory) {
  Result<Device> device = Device::open();
  if (!device) return tl::unexpected(device.error());
  return FactoryOrders(std::move(surroundings), factory, std::move(*device));
}

int FactoryOrders::create(const std::string& name) {
  const Status done = order(RACELESS_FACTORY_OP_CREATE, name, {});
  return done ? 0 : done.error().code;
}

Result<uint64_t> FactoryOrders::destroy(const std::string& name) {
  uint64_t instance = 0;
  const Status done =
      order(RACELESS_FACTORY_OP_DESTROY, name, std::as_writable_bytes(std::span(&instance, 1)));
  if (!done) return tl::unexpected(done.error());
  return instance;
}

Status FactoryOrders::order(uint32_t op, const std::string& name, std::span<std::byte> out) {
  Tally& tally = surroundings_.tally;
  tally.add(Count::gets);
  const GetResult<Called> called = device_.call_by_name(factory_.provider, factory_.timeout_ns, op,
                                                        std::as_bytes(std::span(name)), out);
  if (called) {
    count(called->grant);
    return {};
  }
  const Refusal& refusal = called.error();
  if (refusal.reason == RACELESS_REASON_NONE) {
    count(refusal.grant);
    return tl::unexpected(refusal.error);
  }
  tally.add(Count::get_failures);
  tally.add(Breakdown::get_failures_by_reason, reason_name(refusal.reason));
  for (const Broken& one : check_refusal(refusal, factory_.excuses))
    surroundings_.findings.report({one.promise, one.what, 0, surroundings_.thread, 0});
  return tl::unexpected(refusal.error);
}

// Not the time that it took: that is the order's, and not the get's.
void FactoryOrders::count(const Grant& grant) {
  if (!waited(grant)) return;
  surroundings_.tally.add(Count::waits);
  surroundings_.tally.record(Latency::reload_wait, grant.waited_ns);
}

Result<std::unique_ptr<Worker>> FactoryLoader::create(Surroundings surroundings,
                                                      RegistryScene& factory, FactoryScene& names) {
  Result<FactoryOrders> orders = FactoryOrders::open(surroundings, factory);
  if (!orders) return tl::unexpected(orders.error());
  return std::make_unique<FactoryLoader>(std::move(surroundings), names, std::move(*orders));
}

FactoryLoader::FactoryLoader(Surroundings surroundings, FactoryScene& names, FactoryOrders orders)
    : surroundings_(std::move(surroundings)), orders_(std::move(orders)) {
  for (const auto& scene : names.names)
    if (FactoryScene::is_part(*scene)) parts_.push_back(scene.get());
}

void FactoryLoader::run(const Op& op) {
  Tally& tally = surroundings_.tally;
  const RegistryScene& part = *parts_[op.choice % parts_.size()];
  const uint64_t start_ns = now_ns();
  const int error = orders_.create(part.provider);
  tally.add(Breakdown::loads_by_outcome, outcome_name(error));
  if (error == 0) {
    tally.add(Count::loads);
    tally.record(Latency::load, now_ns() - start_ns);
    return;
  }
  tally.add(Count::load_failures);
  if (error == EEXIST) return;
  surroundings_.findings.report({RACELESS_PROMISE_NONE,
                                 Error{error, "cannot create " + part.provider}.message(), 0,
                                 surroundings_.thread, 0});
}

Result<std::unique_ptr<Worker>> FactoryUnloader::create(Surroundings surroundings,
                                                        RegistryScene& factory,
                                                        FactoryScene& names) {
  Result<FactoryOrders> orders = FactoryOrders::open(surroundings, factory);
  if (!orders) return tl::unexpected(orders.error());
  auto unloaders = one_for_each<RegistryUnloader>(surroundings, names);
  if (!unloaders) return tl::unexpected(unloaders.error());
  Result<Device> device = Device::open();
  if (!device) return tl::unexpected(device.error());
  return std::make_unique<FactoryUnloader>(std::move(surroundings), names, std::move(*orders),
                                           std::move(*unloaders), std::move(*device));
}

FactoryUnloader::FactoryUnloader(Surroundings surroundings, FactoryScene& names,
                                 FactoryOrders orders,
                                 std::vector<std::unique_ptr<RegistryUnloader>> unloaders,
                                 Device device)
    : surroundings_(std::move(surroundings)),
      names_(names),
      orders_(std::move(orders)),
      unloaders_(std::move(unloaders)),
      device_(std::move(device)) {}

void FactoryUnloader::run(const Op& op) {
  const size_t which = op.choice % unloaders_.size();
  RegistryScene& scene = *names_.names[which];
  if (FactoryScene::is_part(scene) && op.percent < kDestroyPercent)
    destroy(scene);
  else if (op.percent < kAlonePercent)
    unloaders_[which]->unload_and_release(op);
  else
    unload_together(which, op);
}

void FactoryUnloader::unload_together(size_t first, const Op& op) {
  std::vector<std::string> names;
  names.reserve(kTogether);
  for (size_t i = 0; i < kTogether; i++)
    names.push_back(names_.names[(first + i) % names_.names.size()]->provider);
  const uint64_t start_ns = now_ns();
  const auto results = device_.unload_many(names, names_.names[first]->timeout_ns);
  if (!results) {
    surroundings_.findings.report(
        {RACELESS_PROMISE_NONE, results.error().message(), 0, surroundings_.thread, 0});
    return;
  }
  const auto unloader_of = [&](size_t i) -> RegistryUnloader& {
    return *unloaders_[(first + i) % unloaders_.size()];
  };
  for (size_t i = 0; i < kTogether; i++) {
    const NameUnloaded& name = results->at(i);
    Result<Unloaded> result = name.unloaded;
    if (name.error != 0) result = fail(name.error, "cannot unload " + name.name);
    unloader_of(i).unloaded(result, start_ns);
  }
  surroundings_.stop.pause(op.hold_ns);
  for (size_t i = 0; i < kTogether; i++)
    if (results->at(i).error == 0) unloader_of(i).released(device_.release(names[i]));
}

void FactoryUnloader::destroy(RegistryScene& part) {
  Tally& tally = surroundings_.tally;
  const uint64_t start_ns = now_ns();
  const Result<uint64_t> destroyed = orders_.destroy(part.provider);
  const int error = destroyed ? 0 : destroyed.error().code;
  tally.add(Breakdown::unloads_by_outcome, "destroy " + outcome_name(error));
  if (destroyed) {
    part.instances.destroyed(*destroyed);
    tally.add(Count::unloads);
    tally.record(Latency::unload, now_ns() - start_ns);
    return;
  }
  tally.add(Count::unload_failures);
  if (error == ENOENT) return;
  surroundings_.findings.report({RACELESS_PROMISE_NONE,
                                 Error{error, "cannot destroy " + part.provider}.message(), 0,
                                 surroundings_.thread, 0});
}

Result<std::unique_ptr<Worker>> FactoryConsumer::create(const Surroundings& surroundings,
                                                        FactoryScene& names) {
  auto consumers = one_for_each<RegistryConsumer>(surroundings, names);
  if (!consumers) return tl::unexpected(consumers.error());
  return std::make_unique<FactoryConsumer>(std::move(*consumers));
}

}  // namespace raceless
