// SPDX-License-Identifier: GPL-2.0
// The three roles of a storm on a lifecycle policy.
#ifndef RACELESS_CONTROLLER_TARGETS_POLICY_WORKERS_H
#define RACELESS_CONTROLLER_TARGETS_POLICY_WORKERS_H

#include "policy_device.h"
#include "storm/worker.h"

namespace raceless {

class PolicyLoader : public Worker {
 public:
  PolicyLoader(Surroundings surroundings, PolicyDevice device);
  void run(const Op& op) override;

 private:
  Surroundings surroundings_;
  PolicyDevice device_;
};

// Wants the resource gone, and asks again, in its next operation, when it is told no.
class PolicyUnloader : public Worker {
 public:
  PolicyUnloader(Surroundings surroundings, PolicyDevice device);
  void run(const Op& op) override;

 private:
  Surroundings surroundings_;
  PolicyDevice device_;
  uint64_t wanted_since_ns_ = 0;  // of an unload that was refused
};

class PolicyConsumer : public Worker {
 public:
  // `never_fails`: the policy promises that.
  PolicyConsumer(Surroundings surroundings, PolicyDevice device, bool never_fails);
  void run(const Op& op) override;

 private:
  void check(int error);

  Surroundings surroundings_;
  PolicyDevice device_;
  bool never_fails_;
};

}  // namespace raceless

#endif
