// SPDX-License-Identifier: GPL-2.0
#include "perturbation.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <bit>
#include <fstream>

#include "scheduler.skel.h"
#include "tracing/libbpf_log.h"

namespace raceless {

namespace {

// Of Linux 6.4's uapi/linux/bpf.h, newer than the headers that we build with.
constexpr uint32_t kBpfFLink = 1U << 13;
constexpr auto kBpfStructOps = static_cast<bpf_attach_type>(44);

constexpr uint64_t kNsPerUs = 1000;

bool kernel_has(const char* name, uint32_t kind) {
  btf* types = btf__load_vmlinux_btf();
  const bool has = types != nullptr && btf__find_by_name_kind(types, name, kind) > 0;
  btf__free(types);
  return has;
}

// Empty if there is none.
std::string other_scheduler() {
  std::string name;
  std::ifstream("/sys/kernel/sched_ext/root/ops") >> name;
  return name;
}

}  // namespace

void Perturbation::Destroy::operator()(scheduler_bpf* skeleton) const {
  scheduler_bpf::destroy(skeleton);
}

Result<Perturbation> Perturbation::begin(const PerturbationPlan& plan) {
  if (!kernel_has("sched_ext_ops", BTF_KIND_STRUCT))
    return fail(0,
                "this kernel has no sched_ext, with which a BPF program schedules; it needs Linux "
                "6.12 or later, "
                "built with CONFIG_SCHED_CLASS_EXT (KERNEL=scx for a guest)");
  const LibbpfLog log;
  Skeleton skeleton(scheduler_bpf::open());
  if (!skeleton) return log.fail(errno, "cannot open the scheduler's BPF programs");
  skeleton->rodata->has_dsq_names = kernel_has("scx_bpf_dsq_insert", BTF_KIND_FUNC);
  skeleton->rodata->seed = plan.seed;
  skeleton->rodata->held_percent = plan.held_percent;
  skeleton->rodata->longest_hold_ns = plan.longest_hold_ns;
  skeleton->rodata->longest_hold_shift =
      static_cast<uint32_t>(std::bit_width((plan.longest_hold_ns - 1) / kNsPerUs));
  bpf_program__set_flags(skeleton->progs.init, BPF_F_SLEEPABLE);
  // Registered by a link, it goes with us, however we end; by the map alone it would stay.
  bpf_map__set_map_flags(skeleton->maps.scheduler, kBpfFLink);
  if (const int error = scheduler_bpf::load(skeleton.get()); error != 0)
    return log.fail(-error, "cannot load the scheduler's BPF programs");
  // libbpf before 1.2 knows no such link. This fills the map in.
  bpf_link* filled = bpf_map__attach_struct_ops(skeleton->maps.scheduler);
  if (filled == nullptr) return log.fail(errno, "cannot fill in the scheduler");
  bpf_link__disconnect(filled);
  bpf_link__destroy(filled);
  FileDescriptor link(
      bpf_link_create(bpf_map__fd(skeleton->maps.scheduler), 0, kBpfStructOps, nullptr));
  if (!link) {
    const int error = errno;
    const std::string other = other_scheduler();
    if (error == EBUSY && !other.empty())
      return fail(error, "another scheduler of BPF is there, " + other + "; end it first");
    const std::string reason = skeleton->bss->exit_reason;
    return log.fail(error, "cannot begin to schedule" + (reason.empty() ? "" : ": " + reason));
  }
  return Perturbation(std::move(skeleton), std::move(link));
}

uint64_t Perturbation::kicks() const { return skeleton_->bss->nr_kicks; }

uint64_t Perturbation::held() const { return skeleton_->bss->nr_held; }

std::string Perturbation::thrown_out() const {
  if (skeleton_->bss->exit_kind == 0) return "";
  return skeleton_->bss->exit_reason;
}

}  // namespace raceless
