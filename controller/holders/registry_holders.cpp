// SPDX-License-Identifier: GPL-2.0
#include "holders/registry_holders.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "text_file.h"
#include "uapi/raceless.h"

namespace raceless {

namespace {

void add_reference(RegistryHolders& holders, uint64_t pid, const std::string& comm) {
  const auto after = [pid](const RegistryHolder& holder) { return holder.pid >= pid; };
  auto place = std::ranges::find_if(holders.descriptors, after);
  if (place == holders.descriptors.end() || place->pid != pid)
    place = holders.descriptors.insert(place, {pid, comm, 0});
  place->references++;
}

}  // namespace

std::string RegistryHolders::text() const {
  uint64_t all = in_kernel;
  std::vector<std::string> parts;
  for (const RegistryHolder& holder : descriptors) {
    all += holder.references;
    parts.push_back(fmt::format("{}[{}] {}", holder.comm, holder.pid, holder.references));
  }
  if (in_kernel > 0) parts.push_back(fmt::format("{} in the kernel", in_kernel));
  if (all == 0) return "no references any more";
  return fmt::format("{} reference{}: {}", all, all == 1 ? "" : "s", fmt::join(parts, ", "));
}

Result<std::map<std::string, RegistryHolders>> parse_registry_holders(std::string_view text) {
  const Result<StateFile> file = StateFile::parse(text, RACELESS_HOLDERS_FILE);
  if (!file) return tl::unexpected(file.error());
  if (!file->has_column("pid") || !file->has_column("comm"))
    return fail(EPROTO, std::string(RACELESS_HOLDERS_FILE) + " does not name pid and comm");
  std::map<std::string, RegistryHolders> names;
  for (const SlotState& line : file->slots())
    add_reference(names[line.text("name")], line.number("pid"), line.text("comm"));
  return names;
}

Result<RegistryHolders> registry_holders_of(const std::string& name, const StateFile& state,
                                            const std::string& root) {
  const Result<std::string> text = read_text(root + RACELESS_HOLDERS_FILE);
  if (!text) return tl::unexpected(text.error());
  Result<std::map<std::string, RegistryHolders>> names = parse_registry_holders(*text);
  if (!names) return tl::unexpected(names.error());
  RegistryHolders holders = (*names)[name];
  uint64_t named = 0;
  for (const RegistryHolder& holder : holders.descriptors) named += holder.references;
  const SlotState* slot = state.find(name);
  const uint64_t all = slot ? slot->number("refs") : 0;
  holders.in_kernel = all > named ? all - named : 0;
  return holders;
}

}  // namespace raceless
