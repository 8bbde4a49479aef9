// SPDX-License-Identifier: GPL-2.0
// A module of the guest's kernel, through what users do with it.
//
// Users' failures are counted by errno and by cause; they are what the stock kernel is like, and do
// not fail the storm. A complaint of the kernel does, and so does a module that cannot be unloaded
// at the end.
#ifndef RACELESS_CONTROLLER_TARGETS_STOCK_TARGET_H
#define RACELESS_CONTROLLER_TARGETS_STOCK_TARGET_H

#include <memory>
#include <optional>
#include <string>

#include "module_loader.h"
#include "module_options.h"
#include "targets/target.h"

namespace raceless {

// What one consumer thread does that needs the module.
class Use {
 public:
  Use() = default;
  virtual ~Use() = default;
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

  // 0, or the errno that the user sees.
  [[nodiscard]] virtual int run(const Op& op) = 0;
};

class StockTarget : public Target {
 public:
  // `crew`: the consumers, unless the user says otherwise.
  StockTarget(const Parameters& parameters, std::string module, Crew crew);
  ~StockTarget() override;

  [[nodiscard]] Crews default_crews() const override;
  [[nodiscard]] Tracing::Options tracing_options() const override;
  [[nodiscard]] std::vector<std::string> needs() const override { return {module_}; }
  [[nodiscard]] Status prepare() override;
  [[nodiscard]] Result<std::unique_ptr<Worker>> make_worker(Surroundings surroundings) override;
  [[nodiscard]] Status rest(Tally& tally) override;
  [[nodiscard]] TestedCode tested_code() const override;
  void check_end(Findings& findings) override;
  [[nodiscard]] uint64_t reloads(const Counts& totals) const override;
  [[nodiscard]] bool is_gated() const override { return true; }

 protected:
  [[nodiscard]] virtual Result<std::unique_ptr<Use>> make_use(Surroundings surroundings) = 0;
  [[nodiscard]] const std::string& module() const { return module_; }

 private:
  std::string module_;
  Crew consumers_;
  std::string options_;
  std::optional<ModuleOptions> module_options_;
  std::optional<ModuleLoader> loader_;
  std::optional<KernelModule> file_;
  bool loaded_before_ = false;
  bool loaded_now_ = false;
};

// The factories of the table in target.cpp.
[[nodiscard]] Result<std::unique_ptr<Target>> make_load_target(const Parameters& parameters,
                                                               const std::string& module);
[[nodiscard]] Result<std::unique_ptr<Target>> make_mount_target(const Parameters& parameters,
                                                                const std::string& filesystem);
[[nodiscard]] Result<std::unique_ptr<Target>> make_socket_target(const Parameters& parameters,
                                                                 const std::string& family);
[[nodiscard]] Result<std::unique_ptr<Target>> make_alg_target(const Parameters& parameters,
                                                              const std::string& algorithm);

}  // namespace raceless

#endif
