// SPDX-License-Identifier: GPL-2.0
#include "storm/worker.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "clock.h"
#include "signals.h"
#include "text_file.h"

namespace raceless {

WorkerThread::WorkerThread(Surroundings surroundings, OpStream stream,
                           std::unique_ptr<Worker> worker)
    : surroundings_(std::move(surroundings)),
      stream_(stream),
      worker_(std::move(worker)),
      thread_([this] { run(); }) {}

uint64_t WorkerThread::busy_ns(uint64_t now) const {
  const uint64_t since = op_since_ns_;
  return since == 0 || since > now ? 0 : now - since;
}

std::string WorkerThread::kernel_stack() const {
  const Result<std::string> stack = read_text("/proc/self/task/" + std::to_string(tid_) + "/stack");
  if (!stack) return stack.error().message();
  std::string line = *stack;
  std::ranges::replace(line, '\n', ' ');
  return line;
}

ThreadRecord WorkerThread::record() const {
  constexpr std::array<const char*, kRoles.size()> kOperations = {"load", "unload", "use"};
  return {surroundings_.thread, kOperations[static_cast<size_t>(surroundings_.role)], tid_,
          operations_.items(), operations_.sampling()};
}

void WorkerThread::run() {
  Signals::block();
  tid_ = gettid();
  pthread_setname_np(pthread_self(), surroundings_.thread.substr(0, 15).c_str());
  while (!surroundings_.stop.stopped()) {
    surroundings_.stop.wait_while_resting();
    const Op op = stream_.next();
    surroundings_.stop.pause(op.pause_ns);
    if (surroundings_.stop.stopped()) break;
    const uint64_t begin_ns = now_ns();
    op_since_ns_ = begin_ns;
    worker_->run(op);
    op_since_ns_ = 0;
    operations_.add(begin_ns, {begin_ns, now_ns()});
    done_.add(op);
  }
  // In the thread that used it: a worker's descriptors and children end with it.
  op_since_ns_ = now_ns();
  worker_.reset();
  op_since_ns_ = 0;
  ended_ = true;
}

}  // namespace raceless
