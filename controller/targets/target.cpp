// SPDX-License-Identifier: GPL-2.0
#include "targets/target.h"

#include <fmt/format.h>

#include <array>

#include "targets/factory_target.h"
#include "targets/module_target.h"
#include "targets/policy_target.h"
#include "targets/registry_target.h"
#include "targets/replace_target.h"
#include "targets/soaked_targets.h"
#include "targets/stock_target.h"
#include "text_file.h"

namespace raceless {

namespace {

// `detail`: what follows the prefix, or the whole name.
using Factory = Result<std::unique_ptr<Target>> (*)(const Parameters& parameters,
                                                    const std::string& detail);

struct TargetKind {
  std::string_view name;  // one that ends with a colon is a prefix
  std::string_view placeholder;
  std::string_view what;
  Factory make;
  std::string_view soaked = "";  // names with that prefix, for a soak
};

Result<std::unique_ptr<Target>> make_registry_target(const Parameters& parameters,
                                                     const std::string& provider) {
  return std::make_unique<RegistryTarget>(parameters, provider);
}

Result<std::unique_ptr<Target>> make_factory_target(const Parameters& parameters,
                                                    const std::string& /*provider*/) {
  return std::make_unique<FactoryTarget>(parameters);
}

Result<std::unique_ptr<Target>> make_replace_target(const Parameters& parameters,
                                                    const std::string& way) {
  return std::make_unique<ReplaceTarget>(
      parameters, way == "through" ? ReplaceWay::through : ReplaceWay::side_by_side);
}

constexpr std::array<TargetKind, 19> kKinds = {{
    {"null", "", "provider of the registry: every use checks a canary", make_registry_target},
    {"codec", "", "provider of the registry: round trips of real files", make_registry_target},
    {"chaos", "", "provider of the registry: failing and slow inits", make_registry_target},
    {"factory", "", "providers that are created and destroyed without a module load",
     make_factory_target},
    {"replace:through", "", "null and its next version replace each other: unload, load",
     make_replace_target},
    {"replace:side-by-side", "", "the same, and nobody waits", make_replace_target},
    {"load:", "NAME", "a module of this kernel: loads it, as libkmod does", make_load_target,
     "load:dummy"},
    {"finit_module:", "NAME", "the same, each in its own way", make_load_target,
     "finit_module:romfs"},
    {"init_module:", "NAME", "", make_load_target, "init_module:romfs"},
    {"insmod:", "NAME", "", make_load_target, "insmod:romfs"},
    {"modprobe:", "NAME", "", make_load_target, "modprobe:romfs"},
    {"mount:configfs", "", "mounts configfs", make_mount_target},
    {"mount:romfs", "", "mounts romfs from a loop device", make_mount_target},
    {"fsopen:configfs", "", "the same by fsopen, fsconfig, fsmount", make_mount_target},
    {"fsopen:romfs", "", "", make_mount_target},
    {"socket:kcm", "", "creates AF_KCM sockets", make_socket_target},
    {"alg:sha1", "", "binds AF_ALG hash sockets", make_alg_target},
    {"policy:", "NAME", "a lifecycle policy (raceless policies compares all of them)",
     make_policy_target,
     "policy:three-point policy:four-point policy:legacy policy:try_module_get"},
    {"module:", "PATH", "your module, with --workload COMMAND", make_module_target},
}};

bool matches(const TargetKind& kind, const std::string& target) {
  return kind.name.ends_with(':') ? target.starts_with(kind.name) : target == kind.name;
}

// load:dummy → dummy, mount:romfs → romfs, codec → codec.
std::string detail_of(const std::string& target) {
  const size_t colon = target.find(':');
  return colon == std::string::npos ? target : target.substr(colon + 1);
}

}  // namespace

std::vector<std::string> soaked_targets() {
  std::vector<std::string> targets;
  for (const TargetKind& kind : kKinds) {
    if (!kind.name.ends_with(':')) targets.emplace_back(kind.name);
    for (std::string& name : split_words(kind.soaked)) targets.push_back(std::move(name));
  }
  return targets;
}

std::string list_targets() {
  std::string list;
  for (const TargetKind& kind : kKinds)
    list += fmt::format("  {:<20} {}\n", std::string(kind.name) + std::string(kind.placeholder),
                        kind.what);
  return list;
}

Result<std::unique_ptr<Target>> make_target(const Parameters& parameters) {
  for (const TargetKind& kind : kKinds)
    if (matches(kind, parameters.target))
      return kind.make(parameters, detail_of(parameters.target));
  return fail(0, fmt::format("there is no target '{}'; the targets are:\n{}", parameters.target,
                             list_targets()));
}

}  // namespace raceless
