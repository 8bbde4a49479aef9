// SPDX-License-Identifier: GPL-2.0
// What happened in a storm, one by one: the kernel's events, and what each thread did.
#ifndef RACELESS_CONTROLLER_TIMELINE_TIMELINE_H
#define RACELESS_CONTROLLER_TIMELINE_TIMELINE_H

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "timeline/window_sample.h"
#include "tracing/event.h"

namespace raceless {

// Some 20 MB of JSON at the most.
constexpr size_t kMostSteps = 30'000;
constexpr size_t kMostRefusals = 10'000;
constexpr size_t kMostOperations = 1'500;  // of one thread

// One of a thread's operations.
struct Operation {
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
};

struct ThreadRecord {
  std::string name;       // "consumer-3"
  std::string operation;  // "use"
  pid_t tid = 0;
  std::vector<Operation> operations;
  Sampling sampling;
};

// Kept apart, so that a thread that is refused all the time does not crowd out what it was refused.
struct EventRecord {
  std::vector<Event> steps;     // of instances, modules, flights, waits
  std::vector<Event> refusals;  // gets, loads and unloads that failed
  Sampling step_sampling;
  Sampling refusal_sampling;
};

struct Timeline {
  uint64_t begin_ns = 0;  // of the storm
  uint64_t end_ns = 0;
  uint64_t lost_events = 0;  // the ring buffer was full
  EventRecord events;
  std::vector<ThreadRecord> threads;
};

[[nodiscard]] bool is_refusal(const Event& event);

// In the JSON of Chrome's trace viewer, which Perfetto opens.
[[nodiscard]] std::string timeline_text(const Timeline& timeline, const std::string& title);

}  // namespace raceless

#endif
