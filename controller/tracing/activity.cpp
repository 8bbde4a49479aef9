// SPDX-License-Identifier: GPL-2.0
#include "activity.h"

#include <sys/syscall.h>

#include "map_reader.h"
#include "program_set.h"

namespace raceless {
namespace {

Status read_results(const ProgramSet& set, const char* map, Results ModuleActivity::*results,
                    Activity& activity) {
  const auto entries = read_counter<raceless_module_result>(set.map_fd(map), map);
  if (!entries) return tl::unexpected(entries.error());
  for (const auto& [key, number] : *entries)
    (activity.modules[key.name].*results)[result_name(key.error)] += number;
  return {};
}

Status read_latencies(const ProgramSet& set, const char* map,
                      raceless_hist ModuleActivity::*histogram, Activity& activity) {
  const auto keys = read_keys<raceless_module_key>(set.map_fd(map), map);
  if (!keys) return tl::unexpected(keys.error());
  for (const raceless_module_key& key : *keys) {
    const auto hist = read_histogram(set.map_fd(map), &key, map);
    if (!hist) return tl::unexpected(hist.error());
    activity.modules[key.name].*histogram = *hist;
  }
  return {};
}

}  // namespace

std::string result_name(std::int32_t error) {
  if (error >= 0) return "ok";
  const char* name = strerrorname_np(-error);
  return name ? name : std::to_string(-error);
}

const char* get_reason_name(std::uint32_t reason) {
  switch (reason) {
    case RACELESS_MODULE_GET_GOING:
      return "going";
    case RACELESS_MODULE_GET_NO_COUNT:
      return "no_count";
    default:
      return "unknown";
  }
}

std::string call_name(std::uint32_t number) {
  switch (number) {
    case SYS_socket:
      return "socket";
    case SYS_bind:
      return "bind";
    case SYS_socketpair:
      return "socketpair";
    case SYS_setsockopt:
      return "setsockopt";
    case SYS_getsockopt:
      return "getsockopt";
    case SYS_mount:
      return "mount";
    case SYS_fsopen:
      return "fsopen";
    case SYS_fsconfig:
      return "fsconfig";
    default:
      return "call " + std::to_string(number);
  }
}

Status read_module_activity(const ProgramSet& modules, Activity& activity) {
  if (auto read = read_results(modules, "load_results", &ModuleActivity::loads, activity); !read)
    return read;
  if (auto read = read_results(modules, "unload_results", &ModuleActivity::unloads, activity);
      !read)
    return read;
  if (auto read = read_latencies(modules, "load_ns_of", &ModuleActivity::load_ns, activity); !read)
    return read;
  if (auto read = read_latencies(modules, "unload_ns_of", &ModuleActivity::unload_ns, activity);
      !read)
    return read;

  const char* map = "grace_ns_of";
  const auto sites = read_keys<raceless_grace_site>(modules.map_fd(map), map);
  if (!sites) return tl::unexpected(sites.error());
  for (const raceless_grace_site& site : *sites) {
    const auto hist = read_histogram(modules.map_fd(map), &site, map);
    if (!hist) return tl::unexpected(hist.error());
    activity.grace_waits.push_back(
        {site.name, read_stack(modules.map_fd("stacks"), site.stack), *hist});
  }
  return {};
}

Status read_call_failures(const ProgramSet& causes, Activity& activity) {
  const auto entries =
      read_counter<raceless_call_failure>(causes.map_fd("call_failures"), "call_failures");
  if (!entries) return tl::unexpected(entries.error());
  for (const auto& [key, number] : *entries) {
    activity.call_failures.push_back({key.name, call_name(key.call), result_name(key.error),
                                      static_cast<FailureCause>(key.cause), number});
  }
  return {};
}

}  // namespace raceless
