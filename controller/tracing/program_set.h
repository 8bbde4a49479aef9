// SPDX-License-Identifier: GPL-2.0
// One BPF object: its programs, its maps, and what keeps the programs attached.
#ifndef RACELESS_CONTROLLER_TRACING_PROGRAM_SET_H
#define RACELESS_CONTROLLER_TRACING_PROGRAM_SET_H

#include <bpf/libbpf.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../result.h"
#include "kernel_btf.h"

namespace raceless {

// Times that the kernel skipped a program, as it ran already on that CPU.
[[nodiscard]] Result<std::uint64_t> missed_runs_of(const bpf_program* program);

class ProgramSet {
 public:
  // Owns a skeleton that is open, not yet loaded.
  using Skeleton = std::unique_ptr<void, void (*)(void*)>;
  ProgramSet(std::string name, Skeleton skeleton, bpf_object* object)
      : name_(std::move(name)), skeleton_(std::move(skeleton)), object_(object) {}

  // Before load(): leave one program out.
  void leave_out(const std::string& program);
  // All whose names begin so.
  void leave_out_all(const std::string& prefix);
  // Before load(): this map is that of the other, loaded set.
  Status share(const std::string& map, const ProgramSet& owner);
  Status resize(const std::string& map, std::uint32_t entries);

  // Loads and attaches what the kernel has something for; names the rest in `missing`.
  Status load(const KernelBtf& kernel, std::vector<std::string>& missing);
  void attach(std::vector<std::string>& missing);
  // What is attached stays so after us: each link as FOLDER/PREFIX and its program's name, each map
  // by its name.
  Status pin(const std::string& folder, const std::string& prefix);

  // -1 if there is none.
  [[nodiscard]] int map_fd(const std::string& map) const;
  // Those that can be dumped: not the ring buffer, not the programs' constants.
  [[nodiscard]] std::vector<std::string> map_names() const;
  // Each attached program and its link, by names for pins: prog_SET_PROGRAM, link_SET_PROGRAM.
  [[nodiscard]] std::vector<std::pair<std::string, int>> attached() const;
  // Of all of them.
  [[nodiscard]] Result<std::uint64_t> missed_runs() const;

 private:
  struct Detach {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
  };

  std::string name_;
  Skeleton skeleton_;
  bpf_object* object_;                                                            // the skeleton's
  std::vector<std::pair<std::string, std::unique_ptr<bpf_link, Detach>>> links_;  // by program
};

}  // namespace raceless

#endif
