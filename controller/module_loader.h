// SPDX-License-Identifier: GPL-2.0
// Loading and unloading kernel modules, each attempt with its outcome as a value.
#ifndef RACELESS_CONTROLLER_MODULE_LOADER_H
#define RACELESS_CONTROLLER_MODULE_LOADER_H

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "result.h"

struct kmod_ctx;
struct kmod_module;

namespace raceless {

// delete_module(2) with O_NONBLOCK. 0, or an errno: EWOULDBLOCK (in use), EBUSY (not live), ENOENT.
[[nodiscard]] int delete_module(const std::string& name);

enum class ModuleState { absent, coming, live, going };
[[nodiscard]] ModuleState module_state(const std::string& name, const std::string& root = "");
// The kernel's reference count; nothing if the module is not loaded, or is going.
[[nodiscard]] std::optional<long> module_refcount(const std::string& name,
                                                  const std::string& root = "");

// A module's file, found by name, alias or path. Of one thread: it borrows its loader's context.
class KernelModule {
 public:
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  // modinfo: vermagic, name, depends…; the last one if a key is repeated.
  [[nodiscard]] Result<std::map<std::string, std::string>> info() const;
  // All values of a key that may be repeated: "alias", "parm".
  [[nodiscard]] Result<std::vector<std::string>> info_values(const std::string& key) const;

  // One finit_module(2) (or init_module(2) for a compressed file) of this module alone, with the
  // options that modprobe.d gives it. 0, or an errno: EEXIST (is loaded), EBUSY (is on its way).
  [[nodiscard]] int load();
  // What modprobe does: the modules that it needs first, and more options. EEXIST is no error.
  [[nodiscard]] Status load_with_dependencies(const std::string& options = "");

 private:
  friend class ModuleLoader;
  struct Unref {
    void operator()(kmod_module* module) const;
  };

  explicit KernelModule(kmod_module* module);
  // Calls `add` with each key and value of modinfo.
  [[nodiscard]] Status read_info(const std::function<void(const char*, const char*)>& add) const;

  std::unique_ptr<kmod_module, Unref> module_;
  std::string name_;
  std::string path_;
};

// ModuleLoader::find() says of this name that the running kernel has no such module to load. An
// error of the same errno may have come from a load: a symbol is missing.
[[nodiscard]] bool is_no_module(const Error& error);

// A libkmod context: one per thread. Outlives the modules that it found.
class ModuleLoader {
 public:
  [[nodiscard]] static Result<ModuleLoader> create();

  // By name or alias, among the modules of the running kernel. ENOENT if there is none, or if it is
  // built into the kernel.
  [[nodiscard]] Result<KernelModule> find(const std::string& name);
  [[nodiscard]] Result<KernelModule> open(const std::string& path);

 private:
  struct Unref {
    void operator()(kmod_ctx* context) const;
  };

  explicit ModuleLoader(kmod_ctx* context) : context_(context) {}

  std::unique_ptr<kmod_ctx, Unref> context_;
};

}  // namespace raceless

#endif
