// SPDX-License-Identifier: GPL-2.0
// The programs of bpf/holders.bpf.c: what they see of one module.
#ifndef RACELESS_CONTROLLER_HOLDERS_HOLDER_PROGRAMS_H
#define RACELESS_CONTROLLER_HOLDERS_HOLDER_PROGRAMS_H

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../../bpf/holders.h"
#include "result.h"

struct bpf_link;
struct bpf_program;
struct holders_bpf;
struct ring_buffer;

namespace raceless {

struct Sightings {
  std::vector<raceless_holder> holders;
  std::vector<raceless_runner> runners;
  std::vector<std::string> missing;  // what could not be looked at, and why
};

class HolderPrograms {
 public:
  // Loads them for a module, by the kernel's name for it.
  [[nodiscard]] static Result<HolderPrograms> open(const std::string& module, bool record);
  ~HolderPrograms();
  HolderPrograms(HolderPrograms&&) noexcept;
  HolderPrograms& operator=(HolderPrograms&&) = delete;

  // Takes no reference on the module. Waits for nobody but, killably, for a process that keeps
  // its mmap_lock.
  [[nodiscard]] Result<Sightings> look();

  // From now on each get and put goes to `use`, when the ring buffer is read.
  [[nodiscard]] Status record(std::function<void(const raceless_module_use&)> use);
  // For a moment at most (ReadingTurn). False: there may be more.
  [[nodiscard]] Result<bool> read_record();
  // Gets and puts that found no room in the ring buffer, or that the kernel did not show us.
  [[nodiscard]] Result<uint64_t> lost() const;

 private:
  struct Close {
    void operator()(holders_bpf* programs) const;
    void operator()(bpf_link* link) const;
    void operator()(ring_buffer* ring) const;
  };
  struct Received;

  HolderPrograms();
  [[nodiscard]] Status run(bpf_program* program) const;
  // Those that tell by the ring buffer, which gets and puts may fill meanwhile.
  [[nodiscard]] Status look_by_ring(Sightings& seen);
  template <typename Record>
  [[nodiscard]] Status iterate(bpf_program* program, std::vector<Record>& records) const;

  std::unique_ptr<holders_bpf, Close> programs_;
  std::unique_ptr<Received> received_;  // what the ring buffer writes to
  std::unique_ptr<ring_buffer, Close> ring_;
  std::vector<std::unique_ptr<bpf_link, Close>> links_;
};

}  // namespace raceless

#endif
