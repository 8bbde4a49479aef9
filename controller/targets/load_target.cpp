// SPDX-License-Identifier: GPL-2.0
// load:NAME: consumers load the module, and want it to be there afterwards.
#include <algorithm>
#include <cctype>

#include "clock.h"
#include "targets/module_cycle.h"
#include "targets/stock_target.h"

namespace raceless {

namespace {

constexpr size_t kMaxModuleName = 55;  // MODULE_NAME_LEN, without the NUL

class LoadUse : public Use {
 public:
  LoadUse(Surroundings surroundings, ModuleLoader loader, KernelModule file)
      : surroundings_(std::move(surroundings)),
        loader_(std::move(loader)),
        file_(std::move(file)) {}

  int run(const Op& /*op*/) override {
    const int error = load_and_count(file_, surroundings_.tally);
    // Somebody else was faster: the user has what he wants.
    return error == EEXIST ? 0 : error;
  }

 private:
  Surroundings surroundings_;
  ModuleLoader loader_;
  KernelModule file_;
};

class LoadTarget : public StockTarget {
 public:
  LoadTarget(const Parameters& parameters, const std::string& name)
      : StockTarget(parameters, name, {4, {0, 0, 100}}) {}

 protected:
  Result<std::unique_ptr<Use>> make_use(Surroundings surroundings) override {
    Result<ModuleLoader> loader = ModuleLoader::create();
    if (!loader) return tl::unexpected(loader.error());
    Result<KernelModule> file = loader->find(module());
    if (!file) return tl::unexpected(file.error());
    return std::make_unique<LoadUse>(std::move(surroundings), std::move(*loader), std::move(*file));
  }
};

}  // namespace

Result<std::unique_ptr<Target>> make_load_target(const Parameters& parameters,
                                                 const std::string& module) {
  const auto valid = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; };
  if (module.empty() || module.size() > kMaxModuleName || !std::ranges::all_of(module, valid))
    return fail(0, "'" + module + "' is no module name; use 1 to 55 letters, digits, _ and -");
  return std::make_unique<LoadTarget>(parameters, module);
}

}  // namespace raceless
