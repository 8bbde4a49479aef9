// SPDX-License-Identifier: GPL-2.0
#include "audit/module_list.h"

#include <sstream>

#include "module_loader.h"
#include "numbers.h"
#include "text_file.h"

namespace raceless {

namespace {

// "crypto_simd,cryptd,", or "-" for nobody; "[permanent]," says that it cannot be unloaded.
std::vector<std::string> split_users(const std::string& text) {
  std::vector<std::string> users;
  std::istringstream names(text);
  for (std::string name; std::getline(names, name, ',');)
    if (name != "-" && !name.starts_with('[')) users.push_back(name);
  return users;
}

}  // namespace

Result<ModuleList> parse_module_list(std::string_view text) {
  ModuleList modules;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = split_words(line);
    const auto references = words.size() < 5 ? std::nullopt : to_number(words[2]);
    if (!references) return fail(EPROTO, "/proc/modules has a line that makes no sense: " + line);
    modules[words[0]] = {*references, split_users(words[3]), std::nullopt};
  }
  return modules;
}

Result<ModuleList> read_module_list(const std::string& root) {
  const Result<std::string> text = read_text(root + "/proc/modules");
  if (!text) return tl::unexpected(text.error());
  Result<ModuleList> modules = parse_module_list(*text);
  if (!modules) return modules;
  for (auto& [name, module] : *modules)
    if (const auto count = module_refcount(name, root))
      module.sysfs_count = static_cast<std::uint64_t>(*count);
  return modules;
}

}  // namespace raceless
