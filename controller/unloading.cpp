// SPDX-License-Identifier: GPL-2.0
#include "unloading.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "duration.h"
#include "terminal.h"

namespace raceless {

namespace {

// Those that the module provides, or is about to, besides the ones that were unloaded.
std::vector<std::string> other_names(const std::string& module, const std::set<std::string>& done,
                                     const StateFile& state) {
  std::vector<std::string> names;
  for (const SlotState& slot : state.slots())
    if (slot.text("owner") == module && slot.text("state") != "gone" &&
        !done.contains(slot.text("name")))
      names.push_back(slot.text("name"));
  std::ranges::sort(names);
  return names;
}

std::string why_not(const std::string& module, int error) {
  if (error == EWOULDBLOCK) return "it is in use, as /proc/modules says; try again when it is not";
  if (error == EBUSY) return "it is being loaded or removed by somebody else, or has no exit";
  return Error{error, "delete_module of " + module}.message();
}

std::string why_failed(int error) {
  switch (error) {
    case ENOENT:
      return "nothing of this name is registered";
    case EBUSY:
      return "it is being loaded, unloaded or held by somebody else";
    case ETIMEDOUT:
      return "its unload goes on: references are held";
    default:
      return Error{error, "refused"}.message();
  }
}

nlohmann::json holders_json(const RegistryHolders& holders) {
  nlohmann::json descriptors = nlohmann::json::array();
  for (const RegistryHolder& holder : holders.descriptors)
    descriptors.push_back(
        {{"pid", holder.pid}, {"comm", holder.comm}, {"references", holder.references}});
  return {{"descriptors", std::move(descriptors)}, {"in_kernel", holders.in_kernel}};
}

}  // namespace

bool Unloading::complete() const {
  return std::ranges::all_of(names, [](const NameUnloaded& name) { return name.error == 0; }) &&
         std::ranges::all_of(modules, [](const auto& module) { return module.second.removed; });
}

std::string Unloading::text() const {
  Table table;
  std::string complaints;
  table.row({"name", "instance", "stop", "grace", "drain", "destroy", "module"});
  for (const NameUnloaded& name : names) {
    const Unloaded& times = name.unloaded;
    if (name.error != 0) {
      complaints += fmt::format("{}: not unloaded: {}\n", name.name, why_failed(name.error));
      if (const auto found = holders.find(name.name); found != holders.end())
        complaints += fmt::format("{}: {}\n", name.name, found->second.text());
      continue;
    }
    const auto module = modules.find(times.owner);
    const char* end = module == modules.end()  ? "kept"
                      : module->second.removed ? "removed"
                                               : "not removed";
    table.row({name.name, std::to_string(times.instance), format_duration(times.stop_ns),
               format_duration(times.grace_ns), format_duration(times.drain_ns),
               format_duration(times.destroy_ns), times.owner + " " + end});
  }
  for (const auto& [module, end] : modules)
    if (!end.removed) complaints += fmt::format("module {}: not removed: {}\n", module, end.why);
  return table.text() + complaints;
}

nlohmann::json Unloading::json() const {
  nlohmann::json all = nlohmann::json::array();
  for (const NameUnloaded& name : names) {
    nlohmann::json one = {{"name", name.name},
                          {"error", name.error},
                          {"instance", name.unloaded.instance},
                          {"stop_ns", name.unloaded.stop_ns},
                          {"grace_ns", name.unloaded.grace_ns},
                          {"drain_ns", name.unloaded.drain_ns},
                          {"destroy_ns", name.unloaded.destroy_ns},
                          {"module", name.unloaded.owner}};
    if (const auto found = holders.find(name.name); found != holders.end())
      one["holders"] = holders_json(found->second);
    all.push_back(std::move(one));
  }
  nlohmann::json ends = nlohmann::json::object();
  for (const auto& [module, end] : modules)
    ends[module] = {{"removed", end.removed}, {"why", end.why}};
  return {{"schema", 1}, {"names", std::move(all)}, {"modules", std::move(ends)}};
}

std::vector<std::string> kept_modules(const Unloading& unloading, const StateFile& state) {
  std::set<std::string> kept;
  for (const NameUnloaded& name : unloading.names) {
    // EBUSY: an earlier unload may be the one that waits.
    const bool waits = name.error == ETIMEDOUT || name.error == EBUSY;
    const SlotState* slot = waits ? state.find(name.name) : nullptr;
    if (slot != nullptr && slot->text("state") != "gone") kept.insert(slot->text("owner"));
  }
  for (const auto& [module, end] : unloading.modules)
    if (end.error != 0) kept.insert(module);
  kept.erase("");
  return {kept.begin(), kept.end()};
}

std::map<std::string, ModuleEnd> remove_modules(
    const std::vector<NameUnloaded>& names, const StateFile& state,
    const std::function<int(const std::string& module)>& remove) {
  std::set<std::string> done;
  for (const NameUnloaded& name : names)
    if (name.error == 0) done.insert(name.name);
  std::map<std::string, ModuleEnd> modules;
  for (const NameUnloaded& name : names) {
    const std::string& module = name.unloaded.owner;
    if (name.error != 0 || module.empty() || modules.contains(module)) continue;
    const std::vector<std::string> others = other_names(module, done, state);
    if (!others.empty()) {
      modules[module] = {
          false, fmt::format("it provides {} too; unload that with it", fmt::join(others, ", "))};
      continue;
    }
    const int error = remove(module);
    modules[module] = {error == 0, error == 0 ? "" : why_not(module, error), error};
  }
  return modules;
}

}  // namespace raceless
