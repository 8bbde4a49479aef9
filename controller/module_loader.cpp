// SPDX-License-Identifier: GPL-2.0
#include "module_loader.h"

#include <fcntl.h>
#include <libkmod.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "text_file.h"

namespace raceless {

namespace {

constexpr std::string_view kNone = "this kernel has no module ";
constexpr std::string_view kNoFile = " is built into this kernel, or has no file";

void discard_log(void*, int, const char*, int, const char*, const char*, va_list) {}

}  // namespace

int delete_module(const std::string& name) {
  return syscall(SYS_delete_module, name.c_str(), O_NONBLOCK) == 0 ? 0 : errno;
}

ModuleState module_state(const std::string& name, const std::string& root) {
  const std::string state = first_line(root + "/sys/module/" + name + "/initstate");
  if (state == "live") return ModuleState::live;
  if (state == "coming") return ModuleState::coming;
  return state == "going" ? ModuleState::going : ModuleState::absent;
}

std::optional<long> module_refcount(const std::string& name, const std::string& root) {
  const std::string text = first_line(root + "/sys/module/" + name + "/refcnt");
  if (text.empty()) return std::nullopt;
  const long count = std::strtol(text.c_str(), nullptr, 10);
  return count < 0 ? std::nullopt : std::optional(count);
}

void KernelModule::Unref::operator()(kmod_module* module) const { kmod_module_unref(module); }

KernelModule::KernelModule(kmod_module* module)
    : module_(module), name_(kmod_module_get_name(module)) {
  const char* path = kmod_module_get_path(module);
  if (path != nullptr) path_ = path;
}

Result<std::map<std::string, std::string>> KernelModule::info() const {
  std::map<std::string, std::string> entries;
  const Status read = read_info([&](const char* key, const char* value) { entries[key] = value; });
  if (!read) return tl::unexpected(read.error());
  return entries;
}

Result<std::vector<std::string>> KernelModule::info_values(const std::string& key) const {
  std::vector<std::string> values;
  const Status read = read_info([&](const char* found, const char* value) {
    if (key == found) values.emplace_back(value);
  });
  if (!read) return tl::unexpected(read.error());
  return values;
}

Status KernelModule::read_info(const std::function<void(const char*, const char*)>& add) const {
  kmod_list* list = nullptr;
  const int error = kmod_module_get_info(module_.get(), &list);
  if (error < 0) return fail(-error, path_ + " is not a readable kernel module");
  kmod_list* entry = nullptr;
  kmod_list_foreach(entry, list) {
    const char* value = kmod_module_info_get_value(entry);
    add(kmod_module_info_get_key(entry), value ? value : "");
  }
  kmod_module_info_free_list(list);
  return {};
}

int KernelModule::load() {
  return -kmod_module_insert_module(module_.get(), 0, kmod_module_get_options(module_.get()));
}

Status KernelModule::load_with_dependencies(const std::string& options) {
  const int error = kmod_module_probe_insert_module(module_.get(), KMOD_PROBE_IGNORE_LOADED,
                                                    options.c_str(), nullptr, nullptr, nullptr);
  if (error < 0) return fail(-error, "cannot load " + name_);
  return {};
}

bool is_no_module(const Error& error) {
  return error.code == ENOENT &&
         (error.context.starts_with(kNone) || error.context.find(kNoFile) != std::string::npos);
}

void ModuleLoader::Unref::operator()(kmod_ctx* context) const { kmod_unref(context); }

Result<ModuleLoader> ModuleLoader::create() {
  kmod_ctx* context = kmod_new(nullptr, nullptr);
  if (context == nullptr) return fail(ENOMEM, "cannot set up libkmod");
  // A failed load is an outcome here, counted by the caller; libkmod would print each one.
  kmod_set_log_fn(context, discard_log, nullptr);
  return ModuleLoader(context);
}

Result<KernelModule> ModuleLoader::find(const std::string& name) {
  kmod_list* list = nullptr;
  const int error = kmod_module_new_from_lookup(context_.get(), name.c_str(), &list);
  if (error < 0) return fail(-error, "cannot look up the module " + name);
  if (list == nullptr) return fail(ENOENT, std::string(kNone) + name);
  KernelModule module(kmod_module_get_module(list));
  kmod_module_unref_list(list);
  if (module.path().empty()) return fail(ENOENT, "the module " + name + std::string(kNoFile));
  return module;
}

Result<KernelModule> ModuleLoader::open(const std::string& path) {
  kmod_module* module = nullptr;
  const int error = kmod_module_new_from_path(context_.get(), path.c_str(), &module);
  if (error < 0) return fail(-error, "cannot open the module " + path);
  return KernelModule(module);
}

}  // namespace raceless
