// SPDX-License-Identifier: GPL-2.0
// load:NAME and its like: consumers load the module, each in its own way, and want it to be there
// afterwards.
#include <fcntl.h>
#include <linux/module.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <functional>

#include "clock.h"
#include "file_descriptor.h"
#include "targets/module_cycle.h"
#include "targets/stock_target.h"
#include "targets/workload.h"
#include "text_file.h"

namespace raceless {

namespace {

constexpr size_t kMaxModuleName = 55;  // MODULE_NAME_LEN, without the NUL

// One load of the module in this file. 0, or an errno.
using LoadWay = int (*)(KernelModule& file);

int load_by_libkmod(KernelModule& file) { return file.load(); }

// A compressed file is for the kernel to decompress.
int load_by_finit_module(KernelModule& file) {
  const FileDescriptor module(open(file.path().c_str(), O_RDONLY | O_CLOEXEC));
  if (!module) return errno;
  const int flags = file.path().ends_with(".ko") ? 0 : MODULE_INIT_COMPRESSED_FILE;
  return syscall(SYS_finit_module, module.get(), "", flags) == 0 ? 0 : errno;
}

int load_by_init_module(KernelModule& file) {
  // What is compressed goes this way with libkmod.
  if (!file.path().ends_with(".ko")) return file.load();
  const Result<std::string> image = read_text(file.path());
  if (!image) return image.error().code;
  return syscall(SYS_init_module, image->data(), image->size(), "") == 0 ? 0 : errno;
}

int load_by_command(const std::string& command) {
  Result<Workload> run = Workload::start(command);
  if (!run) return run.error().code;
  while (!run->wait(kNsPerSecond)) {
  }
  const WorkloadEnd end = run->end();
  if (end.ok()) return 0;
  const int error = errno_in(end.output);
  return error != 0 ? error : EIO;
}

int load_by_insmod(KernelModule& file) { return load_by_command("insmod " + file.path()); }
int load_by_modprobe(KernelModule& file) { return load_by_command("modprobe " + file.name()); }

class LoadUse : public Use {
 public:
  LoadUse(Surroundings surroundings, ModuleLoader loader, KernelModule file, LoadWay way)
      : surroundings_(std::move(surroundings)),
        loader_(std::move(loader)),
        file_(std::move(file)),
        way_(way) {}

  int run(const Op& /*op*/) override {
    const int error = load_and_count([this] { return way_(file_); }, surroundings_.tally);
    // Somebody else was faster: the user has what he wants.
    return error == EEXIST ? 0 : error;
  }

 private:
  Surroundings surroundings_;
  ModuleLoader loader_;
  KernelModule file_;
  LoadWay way_;
};

class LoadTarget : public StockTarget {
 public:
  LoadTarget(const Parameters& parameters, const std::string& name, LoadWay way)
      : StockTarget(parameters, name, {4, {0, 0, 100}}), way_(way) {}

 protected:
  Result<std::unique_ptr<Use>> make_use(Surroundings surroundings) override {
    Result<ModuleLoader> loader = ModuleLoader::create();
    if (!loader) return tl::unexpected(loader.error());
    Result<KernelModule> file = loader->find(module());
    if (!file) return tl::unexpected(file.error());
    return std::make_unique<LoadUse>(std::move(surroundings), std::move(*loader), std::move(*file),
                                     way_);
  }

 private:
  LoadWay way_;
};

LoadWay way_of(const std::string& target) {
  if (target.starts_with("finit_module:")) return load_by_finit_module;
  if (target.starts_with("init_module:")) return load_by_init_module;
  if (target.starts_with("insmod:")) return load_by_insmod;
  if (target.starts_with("modprobe:")) return load_by_modprobe;
  return load_by_libkmod;
}

}  // namespace

Result<std::unique_ptr<Target>> make_load_target(const Parameters& parameters,
                                                 const std::string& module) {
  const auto valid = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; };
  if (module.empty() || module.size() > kMaxModuleName || !std::ranges::all_of(module, valid))
    return fail(0, "'" + module + "' is no module name; use 1 to 55 letters, digits, _ and -");
  return std::make_unique<LoadTarget>(parameters, module, way_of(parameters.target));
}

}  // namespace raceless
