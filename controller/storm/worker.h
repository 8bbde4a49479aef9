// SPDX-License-Identifier: GPL-2.0
// One thread of a storm: it draws operations from its plan and has a target's worker do them.
#ifndef RACELESS_CONTROLLER_STORM_WORKER_H
#define RACELESS_CONTROLLER_STORM_WORKER_H

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "plan.h"
#include "storm/findings.h"
#include "storm/stop_flag.h"
#include "storm/tally.h"
#include "storm/tracer.h"
#include "timeline/timeline.h"

namespace raceless {

// What a worker may use; everything in it outlives the worker.
struct Surroundings {
  std::string thread;  // "consumer-3"
  Role role = Role::consumer;
  uint32_t index = 0;
  Tally& tally;
  Findings& findings;
  StopFlag& stop;
  const Tracer& tracer;
};

// How one target does the operations of one role, in one thread.
class Worker {
 public:
  Worker() = default;
  virtual ~Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  virtual void run(const Op& op) = 0;
};

class WorkerThread {
 public:
  WorkerThread(Surroundings surroundings, OpStream stream, std::unique_ptr<Worker> worker);

  [[nodiscard]] const std::string& name() const { return surroundings_.thread; }
  [[nodiscard]] bool ended() const { return ended_; }
  // How long the operation that runs now has been running; 0 between two.
  [[nodiscard]] uint64_t busy_ns(uint64_t now) const;
  // Where the thread is in the kernel, from /proc; for a thread that is stuck.
  [[nodiscard]] std::string kernel_stack() const;

  // The operations that it has done, once it has ended.
  [[nodiscard]] const PlanDigest& done() const { return done_; }
  [[nodiscard]] ThreadRecord record() const;

  void join() { thread_.join(); }
  // Of a thread that will not end: it keeps what it uses, for good.
  void abandon() { thread_.detach(); }

 private:
  void run();

  Surroundings surroundings_;
  OpStream stream_;
  std::unique_ptr<Worker> worker_;
  PlanDigest done_;
  WindowSample<Operation> operations_{kMostOperations};
  std::atomic<pid_t> tid_ = 0;
  std::atomic<uint64_t> op_since_ns_ = 0;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

}  // namespace raceless

#endif
