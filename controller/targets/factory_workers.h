// SPDX-License-Identifier: GPL-2.0
// The three roles of a storm on the factory.
#ifndef RACELESS_CONTROLLER_TARGETS_FACTORY_WORKERS_H
#define RACELESS_CONTROLLER_TARGETS_FACTORY_WORKERS_H

#include <memory>
#include <vector>

#include "targets/factory_target.h"
#include "targets/registry_workers.h"

namespace raceless {

// Orders to the factory, each a call by name, which the registry counts as it does anybody's.
class FactoryOrders {
 public:
  [[nodiscard]] static Result<FactoryOrders> open(Surroundings surroundings,
                                                  RegistryScene& factory);

  // 0 or an errno.
  [[nodiscard]] int create(const std::string& name);
  // The last instance of what was destroyed.
  [[nodiscard]] Result<uint64_t> destroy(const std::string& name);

 private:
  FactoryOrders(Surroundings surroundings, RegistryScene& factory, Device device)
      : surroundings_(std::move(surroundings)), factory_(factory), device_(std::move(device)) {}

  [[nodiscard]] Status order(uint32_t op, const std::string& name, std::span<std::byte> out);
  void count(const Grant& grant);

  Surroundings surroundings_;
  RegistryScene& factory_;
  Device device_;
};

class FactoryLoader : public Worker {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Worker>> create(Surroundings surroundings,
                                                              RegistryScene& factory,
                                                              FactoryScene& names);
  FactoryLoader(Surroundings surroundings, FactoryScene& names, FactoryOrders orders);
  void run(const Op& op) override;

 private:
  Surroundings surroundings_;
  std::vector<RegistryScene*> parts_;
  FactoryOrders orders_;
};

// Destroys parts, and takes all names down as any provider can be: alone, or some together.
class FactoryUnloader : public Worker {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Worker>> create(Surroundings surroundings,
                                                              RegistryScene& factory,
                                                              FactoryScene& names);
  FactoryUnloader(Surroundings surroundings, FactoryScene& names, FactoryOrders orders,
                  std::vector<std::unique_ptr<RegistryUnloader>> unloaders, Device device);
  void run(const Op& op) override;

 private:
  void destroy(RegistryScene& part);
  // So many, from this one on.
  void unload_together(size_t first, const Op& op);

  Surroundings surroundings_;
  FactoryScene& names_;
  FactoryOrders orders_;
  std::vector<std::unique_ptr<RegistryUnloader>> unloaders_;  // one for each name
  Device device_;                                             // for some together
};

// A consumer of the registry for each name.
class FactoryConsumer : public Worker {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Worker>> create(const Surroundings& surroundings,
                                                              FactoryScene& names);
  explicit FactoryConsumer(std::vector<std::unique_ptr<RegistryConsumer>> consumers)
      : consumers_(std::move(consumers)) {}
  void run(const Op& op) override { consumers_[op.choice % consumers_.size()]->run(op); }

 private:
  std::vector<std::unique_ptr<RegistryConsumer>> consumers_;
};

}  // namespace raceless

#endif
