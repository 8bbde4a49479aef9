// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>

#include <string>

#include "file_descriptor.h"
#include "leaks/holdings.h"

namespace raceless {

namespace {

using NextId = int (*)(__u32 start, __u32* next);
using OpenId = int (*)(__u32 id);

// The one with the highest id is the newest.
template <typename Info>
void add_objects(Holdings& holdings, const std::string& what, NextId next_id, OpenId open_id) {
  Holding& all = holdings[{Evidence::listed, what, ""}];
  __u32 id = 0;
  while (next_id(id, &id) == 0) all.count++;
  if (all.count == 0) return;
  all.example = "id " + std::to_string(id);
  if constexpr (requires(Info info) { info.name; }) {
    const FileDescriptor object(open_id(id));
    Info info{};
    __u32 size = sizeof info;
    if (object && bpf_obj_get_info_by_fd(object.get(), &info, &size) == 0)
      all.example += std::string(" ") + info.name;
  }
}

}  // namespace

void add_bpf_objects(Holdings& holdings) {
  add_objects<bpf_prog_info>(holdings, "BPF programs", bpf_prog_get_next_id, bpf_prog_get_fd_by_id);
  add_objects<bpf_map_info>(holdings, "BPF maps", bpf_map_get_next_id, bpf_map_get_fd_by_id);
  add_objects<bpf_link_info>(holdings, "BPF links", bpf_link_get_next_id, bpf_link_get_fd_by_id);
}

}  // namespace raceless
