// SPDX-License-Identifier: GPL-2.0
// The scheduler of bpf/scheduler.bpf.c, in place of the kernel's own for as long as it lives.
#ifndef RACELESS_CONTROLLER_PERTURBATION_H
#define RACELESS_CONTROLLER_PERTURBATION_H

#include <cstdint>
#include <memory>
#include <string>

#include "file_descriptor.h"
#include "result.h"

struct scheduler_bpf;

namespace raceless {

struct PerturbationPlan {
  uint64_t seed = 1;
  uint32_t held_percent = 10;
  uint64_t longest_hold_ns = 8'000'000;
};

class Perturbation {
 public:
  // Needs root, and a kernel with sched_ext. EBUSY if another scheduler of BPF is there.
  [[nodiscard]] static Result<Perturbation> begin(const PerturbationPlan& plan);

  // CPUs that were told to take another task, if any, and tasks that were kept from running, since
  // it began.
  [[nodiscard]] uint64_t kicks() const;
  [[nodiscard]] uint64_t held() const;

  // The kernel has thrown it out, and schedules by itself again: why. Empty as long as it runs.
  [[nodiscard]] std::string thrown_out() const;

 private:
  struct Destroy {
    void operator()(scheduler_bpf* skeleton) const;
  };
  using Skeleton = std::unique_ptr<scheduler_bpf, Destroy>;

  Perturbation(Skeleton skeleton, FileDescriptor link)
      : skeleton_(std::move(skeleton)), link_(std::move(link)) {}

  Skeleton skeleton_;
  FileDescriptor link_;  // before the skeleton: what it keeps is the scheduler's registration
};

}  // namespace raceless

#endif
