// SPDX-License-Identifier: GPL-2.0
#include "holders/recorded_holders.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "text_file.h"
#include "uapi/raceless.h"

namespace raceless {

namespace {

namespace fs = std::filesystem;

// In alphabetical order; none if there is no such folder.
std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none))
    names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

// The module's instances of names, the one that goes or comes beside another, too.
std::set<std::pair<std::string, uint64_t>> instances_of(const std::string& module,
                                                        const StateFile& registry) {
  std::set<std::pair<std::string, uint64_t>> instances;
  for (const SlotState& slot : registry.slots()) {
    if (slot.text("owner") == module)
      instances.insert({slot.text("name"), slot.number("instance")});
    if (slot.text("beside_owner") == module)
      instances.insert({slot.text("name"), slot.number("beside_instance")});
  }
  return instances;
}

}  // namespace

std::vector<Holder> dependents_of(const std::string& module, const std::string& root) {
  std::vector<Holder> holders;
  for (const std::string& name : names_in(fmt::format("{}/sys/module/{}/holders", root, module)))
    holders.push_back({"dependent",
                       "module " + name,
                       1,
                       {{"dependency", 1}},
                       {},
                       fmt::format("rmmod {} first", name)});
  return holders;
}

std::vector<Holder> backed_disks_of(const std::string& module, const std::string& root) {
  std::vector<Holder> holders;
  if (module != "loop") return holders;
  for (const std::string& disk : names_in(root + "/sys/block")) {
    const std::string folder = fmt::format("{}/sys/block/{}/loop/", root, disk);
    const std::string file = first_line(folder + "backing_file");
    if (file.empty()) continue;
    const bool goes = first_line(folder + "autoclear") == "1";
    holders.push_back({"disk",
                       fmt::format("{} backed by {}", disk, file),
                       1,
                       {{"backing", 1}},
                       {},
                       goes ? "it goes with its last user" : "losetup -d /dev/" + disk});
  }
  return holders;
}

Result<std::vector<Holder>> descriptors_of(const std::string& module, const StateFile& registry,
                                           std::string_view holders) {
  const Result<StateFile> file = StateFile::parse(holders);
  if (!file) return tl::unexpected(file.error());
  if (!file->has_column("pid") || !file->has_column("comm") || !file->has_column("instance"))
    return fail(EPROTO,
                std::string(RACELESS_HOLDERS_FILE) + " does not name instance, pid and comm");
  const auto instances = instances_of(module, registry);
  std::map<std::pair<std::string, uint64_t>, Holder> found;  // by name and process
  for (const SlotState& line : file->slots()) {
    const std::string name = line.text("name");
    if (!instances.contains({name, line.number("instance")})) continue;
    const uint64_t pid = line.number("pid");
    Holder& holder = found[{name, pid}];
    if (holder.references++ == 0) {
      const std::string comm = line.text("comm");
      holder.kind = "provider";
      holder.what = "references on " + name + " through a descriptor";
      holder.users.push_back({static_cast<uint32_t>(pid), comm, "opened it", "/dev/raceless"});
      holder.remedy = fmt::format("end {}[{}], or have it put them", comm, pid);
    }
    holder.parts["descriptor"] = holder.references;
  }
  std::vector<Holder> all;
  all.reserve(found.size());
  for (auto& [key, holder] : found) all.push_back(std::move(holder));
  return all;
}

Result<std::vector<Holder>> recorded_holders_of(const std::string& module,
                                                const std::string& root) {
  std::vector<Holder> all = dependents_of(module, root);
  std::ranges::move(backed_disks_of(module, root), std::back_inserter(all));
  const Result<StateFile> registry = StateFile::read(root);
  if (!registry) return all;  // raceless.ko is not there
  const Result<std::string> text = read_text(root + RACELESS_HOLDERS_FILE);
  if (!text) return tl::unexpected(text.error());
  Result<std::vector<Holder>> descriptors = descriptors_of(module, *registry, *text);
  if (!descriptors) return descriptors;
  std::ranges::move(*descriptors, std::back_inserter(all));
  return all;
}

}  // namespace raceless
