// SPDX-License-Identifier: GPL-2.0
#include "holders/holder_programs.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "file_descriptor.h"
#include "holders.skel.h"
#include "tracing/libbpf_log.h"
#include "tracing/program_set.h"
#include "tracing/reading_turn.h"

namespace raceless {

namespace {

constexpr const char* kKernelBtf = "/sys/kernel/btf/vmlinux";
constexpr size_t kReadBytes = 1 << 16;

// The ring buffer has no other mark of what a record is.
static_assert(sizeof(raceless_holder) != sizeof(raceless_module_use));
static_assert(sizeof(raceless_holder) != RACELESS_MODULE_PUT_SIZE);

}  // namespace

// Does not move, while HolderPrograms may.
struct HolderPrograms::Received {
  std::vector<raceless_holder> holders;
  std::function<void(const raceless_module_use&)> use;
  std::optional<Error> error;
  ReadingTurn turn;

  static int on_record(void* self, void* data, size_t bytes) {
    auto* received = static_cast<Received*>(self);
    if (bytes == sizeof(raceless_holder)) {
      received->holders.push_back(*static_cast<const raceless_holder*>(data));
    } else if (bytes == sizeof(raceless_module_use) || bytes == RACELESS_MODULE_PUT_SIZE) {
      raceless_module_use use{};
      std::memcpy(&use, data, bytes);
      if (received->use) received->use(use);
    } else {
      received->error = Error{EPROTO, "a record of an unknown size"};
    }
    return received->turn.after_record();
  }
};

void HolderPrograms::Close::operator()(holders_bpf* programs) const {
  holders_bpf::destroy(programs);
}
void HolderPrograms::Close::operator()(bpf_link* link) const { bpf_link__destroy(link); }
void HolderPrograms::Close::operator()(ring_buffer* ring) const { ring_buffer__free(ring); }

HolderPrograms::HolderPrograms() : received_(std::make_unique<Received>()) {}
HolderPrograms::~HolderPrograms() = default;
HolderPrograms::HolderPrograms(HolderPrograms&&) noexcept = default;

Result<HolderPrograms> HolderPrograms::open(const std::string& module, bool record) {
  if (access(kKernelBtf, F_OK) != 0)
    return fail_errno(std::string("cannot read this kernel's BTF (") + kKernelBtf +
                      "); holders needs a kernel built with CONFIG_DEBUG_INFO_BTF");
  const LibbpfLog log;
  HolderPrograms opened;
  opened.programs_.reset(holders_bpf::open());
  if (!opened.programs_) return log.fail(errno, "cannot open the BPF programs of holders");
  holders_bpf& programs = *opened.programs_;
  std::array<char, RACELESS_MODULE_NAME_SIZE> name{};
  module.copy(name.data(), name.size() - 1);
  static_assert(sizeof(programs.rodata->target) == name.size());
  // The kernel freezes it when it is loaded.
  std::memcpy(const_cast<__u64*>(programs.rodata->target), name.data(), name.size());
  bpf_program__set_autoload(programs.progs.on_get, record);
  bpf_program__set_autoload(programs.progs.on_put, record);
  if (const int error = holders_bpf::load(&programs); error != 0)
    return log.fail(-error, "cannot load the BPF programs of holders");
  opened.ring_.reset(ring_buffer__new(bpf_map__fd(programs.maps.events), Received::on_record,
                                      opened.received_.get(), nullptr));
  if (!opened.ring_) return log.fail(errno, "cannot open the ring buffer");
  if (Status found = opened.run(programs.progs.find_symbols); !found)
    return tl::unexpected(found.error());
  return opened;
}

Status HolderPrograms::run(bpf_program* program) const {
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  if (const int error = bpf_prog_test_run_opts(bpf_program__fd(program), &options); error != 0)
    return fail(-error, std::string("cannot run the BPF program ") + bpf_program__name(program));
  return {};
}

template <typename Record>
Status HolderPrograms::iterate(bpf_program* program, std::vector<Record>& records) const {
  const LibbpfLog log;
  const std::string what = std::string("the BPF iterator ") + bpf_program__name(program);
  const std::unique_ptr<bpf_link, Close> link(bpf_program__attach_iter(program, nullptr));
  if (!link) return log.fail(errno, "cannot attach " + what);
  const FileDescriptor iterator(bpf_iter_create(bpf_link__fd(link.get())));
  if (!iterator) return fail_errno("cannot start " + what);
  std::vector<char> bytes;
  for (;;) {
    const size_t old = bytes.size();
    bytes.resize(old + kReadBytes);
    const ssize_t got = read(iterator.get(), bytes.data() + old, kReadBytes);
    bytes.resize(old + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got == 0) break;
    // EAGAIN: a million tasks without a record; the next read goes on from there.
    if (got < 0 && errno != EINTR && errno != EAGAIN) return fail_errno("cannot read " + what);
  }
  if (bytes.size() % sizeof(Record) != 0) return fail(EPROTO, "half a record of " + what);
  records.resize(bytes.size() / sizeof(Record));
  std::memcpy(static_cast<void*>(records.data()), bytes.data(), bytes.size());
  return {};
}

Status HolderPrograms::look_by_ring(Sightings& seen) {
  const auto& counters = *programs_->bss;
  const uint64_t lost_before = counters.holders_lost;
  const uint64_t told_before = counters.holders_told;
  std::vector<raceless_holder>& told = received_->holders;
  told.clear();
  auto& programs = programs_->progs;
  for (bpf_program* program : {programs.find_module, programs.mounts, programs.swaps}) {
    if (Result<bool> made_room = read_record(); !made_room)
      return tl::unexpected(made_room.error());
    if (Status good = run(program); !good) return good;
  }
  // They are behind the gets and puts of the meantime, and may be so for more than a turn.
  while (told.size() < counters.holders_told - told_before)
    if (Result<bool> read = read_record(); !read) return tl::unexpected(read.error());
  seen.holders = std::move(told);
  if (const uint64_t lost = counters.holders_lost - lost_before; lost > 0)
    seen.missing.push_back(
        std::to_string(lost) +
        " mounts, or disks that are mounted or swapped to: gets and puts left no "
        "room for them");
  return {};
}

Result<Sightings> HolderPrograms::look() {
  Sightings seen;
  if (Status good = look_by_ring(seen); !good) return tl::unexpected(good.error());
  const bool is_hidden = programs_->bss->hidden != 0;
  if (is_hidden)
    seen.missing.emplace_back(
        "mounts, swap, terminals, file systems that are being set up, BPF programs and links by "
        "their descriptors, and tasks that run in it: the kernel hides its addresses, also from "
        "root; sysctl kernel.kptr_restrict=1 shows them");
  if (programs_->bss->mounts_complete == 0 && !is_hidden)
    seen.missing.emplace_back(
        "all mounts: the list of file systems changed meanwhile, or the kernel does not list "
        "super_blocks among its symbols");
  if (programs_->bss->text_begin == 0 && !is_hidden)
    seen.missing.emplace_back(
        "tasks that run in it: the module went, or the kernel does not list modules among its "
        "symbols");
  auto& programs = programs_->progs;
  for (bpf_program* program : {programs.open_files, programs.mapped_files, programs.processes,
                               programs.links, programs.programs}) {
    std::vector<raceless_holder> found;
    if (Status good = iterate(program, found); !good) return tl::unexpected(good.error());
    seen.holders.insert(seen.holders.end(), found.begin(), found.end());
    // It may have taken a while, in which gets and puts came.
    if (Result<bool> read = read_record(); !read) return tl::unexpected(read.error());
  }
  if (Status good = iterate(programs.runners, seen.runners); !good)
    return tl::unexpected(good.error());
  return seen;
}

Status HolderPrograms::record(std::function<void(const raceless_module_use&)> use) {
  received_->use = std::move(use);
  // Puts first: a get whose put is missed would be taken for a leak.
  for (bpf_program* program : {programs_->progs.on_put, programs_->progs.on_get}) {
    const LibbpfLog log;
    links_.emplace_back(bpf_program__attach(program));
    if (!links_.back())
      return log.fail(errno, std::string("cannot attach ") + bpf_program__section_name(program));
  }
  return {};
}

Result<bool> HolderPrograms::read_record() {
  received_->turn = ReadingTurn();
  const int got = ring_buffer__consume(ring_.get());
  if (got < 0 && got != ReadingTurn::kEnd) return fail(-got, "cannot read the ring buffer");
  if (received_->error) return tl::unexpected(*received_->error);
  return got != ReadingTurn::kEnd;
}

Result<uint64_t> HolderPrograms::lost() const {
  uint64_t lost = programs_->bss->events_lost;
  for (const bpf_program* program : {programs_->progs.on_get, programs_->progs.on_put}) {
    const Result<uint64_t> missed = missed_runs_of(program);
    if (!missed) return tl::unexpected(missed.error());
    lost += *missed;
  }
  return lost;
}

}  // namespace raceless
