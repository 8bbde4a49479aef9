// SPDX-License-Identifier: GPL-2.0
#include "holders/subject.h"

#include <sys/utsname.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <optional>
#include <system_error>
#include <utility>

#include "module_loader.h"
#include "state_file.h"
#include "text_file.h"
#include "trace/module_names.h"

namespace raceless {

namespace {

// So many letters may be wrong for each one that is asked.
constexpr size_t kLettersPerMistake = 3;

size_t distance(const std::string& from, const std::string& to) {
  std::vector<size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= from.size(); i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= to.size(); j++) {
      const size_t changed = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::vector<std::string> loaded_modules(const std::string& root) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(root + "/sys/module", none))
    if (std::filesystem::exists(entry.path() / "initstate", none))
      names.push_back(entry.path().filename());
  return names;
}

// Each built-in module has a line such as "kernel/fs/ext4/ext4.ko".
bool is_built_in(const std::string& module, const std::string& root) {
  std::error_code none;
  if (std::filesystem::is_directory(root + "/sys/module/" + module, none)) return true;
  utsname names{};
  if (uname(&names) != 0) return false;
  Result<std::string> list = read_text(root + "/lib/modules/" + names.release + "/modules.builtin");
  if (!list) return false;
  std::ranges::replace(*list, '-', '_');
  return list->find("/" + module + ".ko\n") != std::string::npos;
}

// Nothing without raceless.ko.
std::optional<StateFile> read_registry(const std::string& root) {
  Result<StateFile> state = StateFile::read(root);
  return state ? std::optional(std::move(*state)) : std::nullopt;
}

// The slot remembers who provided it last.
bool is_provided(const SlotState& slot) {
  return slot.text("state") != "gone" && !slot.text("owner").empty();
}

const SlotState* find_provider(const std::optional<StateFile>& registry, const std::string& name) {
  const SlotState* slot = registry ? registry->find(name) : nullptr;
  return slot != nullptr && is_provided(*slot) ? slot : nullptr;
}

Subject subject_of(const std::string& module, const std::optional<StateFile>& registry) {
  Subject subject{module, {}};
  if (!registry) return subject;
  for (const SlotState& slot : registry->slots())
    if (slot.text("owner") == module && is_provided(slot))
      subject.providers.push_back(slot.text("name"));
  std::ranges::sort(subject.providers);
  return subject;
}

std::string why_none(const std::string& asked, const std::string& module,
                     const std::optional<StateFile>& registry, const InstalledModules& installed,
                     const std::string& root) {
  if (is_built_in(module, root))
    return "'" + asked +
           "' is built into this kernel: it cannot be unloaded, so that no reference keeps it";
  const std::string meant = installed.module_of(asked);
  if (meant != asked && module_state(meant, root) != ModuleState::absent)
    return "'" + asked + "' is an alias of the module " + meant + "; ask for that";
  if (registry && registry->find(asked) != nullptr)
    return "the provider '" + asked + "' is not loaded: no module provides it now";
  std::vector<std::string> names = loaded_modules(root);
  if (registry)
    for (const SlotState& slot : registry->slots()) names.push_back(slot.text("name"));
  const std::string near = nearest(module, names);
  const std::string hint = near.empty() ? "" : "; did you mean " + near + "?";
  if (installed.has(meant))
    return "the module '" + asked + "' is not loaded, so that nothing holds it" + hint;
  return "no module" + std::string(registry ? " and no provider '" : " '") + asked + "' is loaded" +
         (near.empty() ? "; lsmod lists those that are" : hint);
}

}  // namespace

Result<Subject> find_loaded(const std::string& module, const std::string& root) {
  if (module_state(module, root) == ModuleState::absent)
    return fail(ENOENT, "the module " + module + " is not loaded");
  return subject_of(module, read_registry(root));
}

std::string nearest(const std::string& asked, const std::vector<std::string>& names) {
  std::string best;
  size_t least = std::max<size_t>(1, asked.size() / kLettersPerMistake) + 1;
  for (const std::string& name : names) {
    const size_t mistakes = distance(asked, name);
    if (mistakes >= least) continue;
    least = mistakes;
    best = name;
  }
  return best;
}

Result<Subject> find_subject(const std::string& asked, const InstalledModules& installed,
                             const std::string& root) {
  const auto modules = to_module_names({asked});
  if (!modules) return tl::unexpected(modules.error());
  const std::string& module = modules->front();
  const std::optional<StateFile> registry = read_registry(root);
  if (module_state(module, root) != ModuleState::absent) return subject_of(module, registry);
  if (const SlotState* slot = find_provider(registry, asked))
    return subject_of(slot->text("owner"), registry);
  return fail(0, why_none(asked, module, registry, installed, root));
}

}  // namespace raceless
