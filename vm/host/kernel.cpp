// SPDX-License-Identifier: GPL-2.0
#include "kernel.h"

#include <fmt/format.h>
#include <libkmod.h>

#include <fstream>
#include <memory>
#include <set>
#include <string_view>

#include "process.h"

namespace raceless::vm {
namespace {

namespace fs = std::filesystem;

struct KmodFree {
  void operator()(kmod_ctx* c) const { kmod_unref(c); }
  void operator()(kmod_module* m) const { kmod_module_unref(m); }
};
using Kmod = std::unique_ptr<kmod_ctx, KmodFree>;
using KmodModule = std::unique_ptr<kmod_module, KmodFree>;

struct List {
  kmod_list* head = nullptr;
  ~List() { kmod_module_unref_list(head); }
};

// The module's own path last, all that it needs before.
class Closure {
 public:
  explicit Closure(const Kernel& kernel) : kernel_(kernel) {
    static const char* no_config = nullptr;
    kmod_.reset(kmod_new(kernel.modules().c_str(), &no_config));
    if (kmod_) kmod_load_resources(kmod_.get());
  }

  [[nodiscard]] Status add(const std::string& name) {
    List found;
    if (!kmod_ || kmod_module_new_from_lookup(kmod_.get(), name.c_str(), &found.head) < 0 ||
        !found.head)
      return fail(EINVAL, fmt::format("kernel {} has no module {}; see {}", kernel_.release, name,
                                      (kernel_.modules() / "modules.dep").string()));
    kmod_list* item = nullptr;
    kmod_list_foreach(item, found.head) {
      KmodModule module(kmod_module_get_module(item));
      if (auto added = add_module(module.get()); !added) return added;
    }
    return {};
  }

  [[nodiscard]] std::vector<fs::path> paths() const { return {paths_.begin(), paths_.end()}; }

 private:
  Status add_module(kmod_module* module) {
    const char* path = kmod_module_get_path(module);
    if (!path) return {};  // built in
    if (!paths_.insert(fs::path(path).lexically_relative(kernel_.modules())).second) return {};
    List needs;
    needs.head = kmod_module_get_dependencies(module);
    List before;
    List after;
    kmod_module_get_softdeps(module, &before.head, &after.head);
    for (kmod_list* list : {needs.head, before.head, after.head}) {
      kmod_list* item = nullptr;
      kmod_list_foreach(item, list) {
        KmodModule needed(kmod_module_get_module(item));
        if (auto added = add_module(needed.get()); !added) return added;
      }
    }
    return {};
  }

  const Kernel& kernel_;
  Kmod kmod_;
  std::set<fs::path> paths_;
};

Result<std::string> module_field(const fs::path& file, const std::string& field) {
  Kmod kmod(kmod_new("/nonexistent", nullptr));
  kmod_module* raw = nullptr;
  List info;
  if (!kmod || kmod_module_new_from_path(kmod.get(), file.c_str(), &raw) < 0)
    return fail(errno, "cannot read module " + file.string());
  KmodModule module(raw);
  if (kmod_module_get_info(module.get(), &info.head) < 0)
    return fail(0, file.string() + " is not a kernel module");
  std::string value;
  kmod_list* item = nullptr;
  kmod_list_foreach(item, info.head) {
    if (field == kmod_module_info_get_key(item)) value = kmod_module_info_get_value(item);
  }
  kmod_module_info_free_list(info.head);
  info.head = nullptr;
  return value;
}

bool is_built_with(const Kernel& kernel, std::string_view option) {
  std::ifstream config(kernel.folder / "config");
  for (std::string line; std::getline(config, line);)
    if (line == option) return true;
  return false;
}

}  // namespace

unsigned Kernel::weight() const {
  constexpr unsigned kChecked = 4;
  return is_built_with(*this, "CONFIG_KASAN=y") || is_built_with(*this, "CONFIG_KCSAN=y") ? kChecked
                                                                                          : 1;
}

bool Kernel::lacks_clock() const { return !is_built_with(*this, "CONFIG_ACPI=y"); }

Result<Kernel> open_kernel(const fs::path& folder) {
  Kernel kernel{fs::absolute(folder), {}};
  std::ifstream(kernel.folder / "release") >> kernel.release;
  if (kernel.release.empty())
    return fail(0, fmt::format("{} is not a kernel folder: it has no file 'release'; "
                               "vm/kernel makes one",
                               folder.string()));
  for (const fs::path& needed : {kernel.image(), kernel.modules() / "modules.dep"})
    if (!fs::exists(needed))
      return fail(0, fmt::format("the kernel folder lacks {}; remove {} and run vm/kernel",
                                 needed.string(), folder.string()));
  return kernel;
}

Result<Kernel> find_kernel(const fs::path& source_root, const std::string& selector) {
  if (fs::exists(fs::path(selector) / "release")) return open_kernel(selector);
  fs::path script = source_root / "vm/kernel";
  auto finished = run_program({script.string(), selector});
  if (!finished) return tl::unexpected(finished.error());
  if (finished->status != 0)
    return fail(0, fmt::format("no guest kernel {}: vm/kernel failed (exit {})", selector,
                               finished->status));
  std::string folder = finished->out;
  folder.erase(folder.find_last_not_of('\n') + 1);
  folder.erase(0, folder.rfind('\n') + 1);
  return open_kernel(folder);
}

Result<std::vector<fs::path>> module_closure(const Kernel& kernel,
                                             const std::vector<std::string>& names) {
  Closure closure(kernel);
  for (const std::string& name : names) {
    if (name == "all") {
      std::vector<fs::path> all;
      for (const auto& entry : fs::recursive_directory_iterator(kernel.modules() / "kernel"))
        if (entry.is_regular_file())
          all.push_back(entry.path().lexically_relative(kernel.modules()));
      return all;
    }
    if (auto added = closure.add(name); !added) return tl::unexpected(added.error());
  }
  return closure.paths();
}

bool is_built_in(const Kernel& kernel, const std::string& module) {
  const Result<std::vector<fs::path>> files = module_closure(kernel, {module});
  return files && files->empty();
}

std::string module_name(const fs::path& file) {
  std::string name = file.stem();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

Result<std::vector<std::string>> module_dependencies(const fs::path& file) {
  auto text = module_field(file, "depends");
  if (!text) return tl::unexpected(text.error());
  std::vector<std::string> names;
  for (std::size_t at = 0; at < text->size();) {
    std::size_t comma = std::min(text->find(',', at), text->size());
    if (comma > at) names.push_back(text->substr(at, comma - at));
    at = comma + 1;
  }
  return names;
}

Result<std::string> module_release(const fs::path& file) {
  auto text = module_field(file, "vermagic");
  if (!text) return text;
  return text->substr(0, text->find(' '));
}

}  // namespace raceless::vm
