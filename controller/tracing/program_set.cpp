// SPDX-License-Identifier: GPL-2.0
#include "program_set.h"

#include <bpf/bpf.h>

#include <string_view>

#include "libbpf_log.h"

namespace raceless {
namespace {

std::string describe(const bpf_program* program) {
  return std::string(bpf_program__section_name(program)) + " (" + bpf_program__name(program) + ")";
}

}  // namespace

Result<std::uint64_t> missed_runs_of(const bpf_program* program) {
  bpf_prog_info info{};
  __u32 bytes = sizeof(info);
  if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &bytes) != 0)
    return fail_errno("cannot ask the kernel about " + describe(program));
  return info.recursion_misses;
}

void ProgramSet::leave_out(const std::string& program) {
  bpf_program__set_autoload(bpf_object__find_program_by_name(object_, program.c_str()), false);
}

void ProgramSet::leave_out_all(const std::string& prefix) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_) {
    if (std::string_view(bpf_program__name(program)).starts_with(prefix))
      bpf_program__set_autoload(program, false);
  }
}

Status ProgramSet::share(const std::string& map, const ProgramSet& owner) {
  bpf_map* shared = bpf_object__find_map_by_name(object_, map.c_str());
  if (const int error = bpf_map__reuse_fd(shared, owner.map_fd(map)); error != 0) {
    return fail(-error, "cannot share the BPF map " + map + " of " + owner.name_);
  }
  return {};
}

Status ProgramSet::resize(const std::string& map, std::uint32_t entries) {
  bpf_map* resized = bpf_object__find_map_by_name(object_, map.c_str());
  if (const int error = bpf_map__set_max_entries(resized, entries); error != 0) {
    return fail(-error, "cannot size the BPF map " + map);
  }
  return {};
}

Status ProgramSet::load(const KernelBtf& kernel, std::vector<std::string>& missing) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_) {
    if (!bpf_program__autoload(program)) continue;
    const std::string reason = kernel.lacks(bpf_program__section_name(program));
    if (reason.empty()) continue;
    missing.push_back(describe(program) + ": " + reason +
                      " in this kernel; what it would record stays 0");
    bpf_program__set_autoload(program, false);
  }
  const LibbpfLog log;
  if (const int error = bpf_object__load(object_); error != 0) {
    return log.fail(-error, "cannot load the BPF programs of " + name_);
  }
  return {};
}

void ProgramSet::attach(std::vector<std::string>& missing) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_) {
    if (!bpf_program__autoload(program)) continue;
    const LibbpfLog log;
    if (bpf_link* link = bpf_program__attach(program)) {
      links_.emplace_back(bpf_program__name(program), link);
      continue;
    }
    const int error = errno;
    missing.push_back(log.fail(error, "cannot attach " + describe(program)).value().message() +
                      "; what it would record stays 0");
  }
}

Status ProgramSet::pin(const std::string& folder, const std::string& prefix) {
  const LibbpfLog log;
  for (const auto& [program, link] : links_) {
    const std::string path = std::string(folder).append("/").append(prefix).append(program);
    if (const int error = bpf_link__pin(link.get(), path.c_str()); error != 0) {
      return log.fail(-error, "cannot pin " + path);
    }
  }
  for (const std::string& map : map_names()) {
    const std::string path = std::string(folder).append("/").append(map);
    if (bpf_obj_pin(map_fd(map), path.c_str()) != 0) return fail_errno("cannot pin " + path);
  }
  return {};
}

int ProgramSet::map_fd(const std::string& map) const {
  return bpf_object__find_map_fd_by_name(object_, map.c_str());
}

std::vector<std::string> ProgramSet::map_names() const {
  std::vector<std::string> names;
  const bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_) {
    if (bpf_map__is_internal(map) || bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF) continue;
    names.emplace_back(bpf_map__name(map));
  }
  return names;
}

std::vector<std::pair<std::string, int>> ProgramSet::attached() const {
  std::vector<std::pair<std::string, int>> found;
  for (const auto& [name, link] : links_) {
    const std::string pin = name_ + "_" + name;
    const bpf_program* program = bpf_object__find_program_by_name(object_, name.c_str());
    found.emplace_back("prog_" + pin, bpf_program__fd(program));
    found.emplace_back("link_" + pin, bpf_link__fd(link.get()));
  }
  return found;
}

Result<std::uint64_t> ProgramSet::missed_runs() const {
  std::uint64_t missed = 0;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_) {
    if (!bpf_program__autoload(program)) continue;
    const auto of_program = missed_runs_of(program);
    if (!of_program) return tl::unexpected(of_program.error());
    missed += *of_program;
  }
  return missed;
}

}  // namespace raceless
