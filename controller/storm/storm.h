// SPDX-License-Identifier: GPL-2.0
// A storm: loaders, unloaders and consumers of one target, for a time, and what came of it.
#ifndef RACELESS_CONTROLLER_STORM_STORM_H
#define RACELESS_CONTROLLER_STORM_STORM_H

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel_log.h"
#include "leaks/leak_check.h"
#include "signals.h"
#include "storm/findings.h"
#include "storm/parameters.h"
#include "storm/tally.h"
#include "storm/tracer.h"
#include "storm/worker.h"
#include "targets/target.h"
#include "timeline/timeline.h"

namespace raceless {

// The totals at one moment of the storm.
struct Sample {
  uint64_t time_ns = 0;  // since its begin
  Counts counts{};
  uint64_t reloads = 0;
};

// What a storm ends with.
struct StormResult {
  Crews crews;
  uint64_t elapsed_ns = 0;
  bool interrupted = false;  // by a signal, before its time was up
  bool stuck = false;        // a thread did not end; it still uses the storm's memory
  Tally tally;
  uint64_t max_hold_ns = 0;                // the plan follows from it, too
  std::map<std::string, PlanDigest> done;  // by thread, of those that ended
  uint64_t reloads = 0;
  std::map<std::string, uint64_t> extra_counters;
  std::string target_lines;  // of the summary
  uint64_t rests = 0;        // at which leaks were looked for
  bool slab_callers = false;
  std::vector<Leak> leaks;
  uint64_t expected_complaints = 0;
  uint64_t lost_log_lines = 0;
  std::vector<Sample> series;
  std::vector<Finding> findings;
  uint64_t nr_findings = 0;
  bool traced = false;
  std::vector<std::string> not_traced;
  std::optional<Snapshot> snapshot;
  Timeline timeline;

  [[nodiscard]] bool passed() const { return nr_findings == 0 && !stuck; }
  // Uses were made, and none succeeded.
  [[nodiscard]] bool used_in_vain() const;
  // Although somebody was there to unload.
  [[nodiscard]] bool unloaded_nothing() const;
};

// For Signals: what a storm leaves that is aborted, and what to do about it.
void say_what_stays();

// Those of the target, where the user did not say otherwise.
[[nodiscard]] Crews crews_for(const Parameters& parameters, const Target& target);

class Storm {
 public:
  using ShowProgress = std::function<void(const Sample&)>;

  // Prepares the target and all workers; an error means that the storm cannot run here.
  [[nodiscard]] static Result<std::unique_ptr<Storm>> prepare(const Parameters& parameters,
                                                              std::unique_ptr<Target> target);

  // Returns when the time is up, enough uses were made or the first signal came, all threads have
  // ended (or are stuck for good), and the end was checked. A second signal ends the process.
  [[nodiscard]] std::unique_ptr<StormResult> run(const Signals& signals,
                                                 const ShowProgress& progress);

 private:
  Storm(const Parameters& parameters, std::unique_ptr<Target> target, Tracer tracer,
        KernelLog kernel_log, uint64_t taint);

  [[nodiscard]] Status make_workers();
  void start_threads();
  // One turn of the main thread: waits for the next tick, then looks at everything; returns early
  // if a signal comes.
  void tick(const Signals& signals);
  void take_sample();
  void check_kernel_log();
  void check_taint();
  void check_stuck();
  void report_stuck(size_t thread, uint64_t busy_ns);
  void check_leaks();
  void end_leak_check();
  [[nodiscard]] bool is_over() const;
  [[nodiscard]] bool all_settled() const;
  void join_threads(const Signals& signals);
  [[nodiscard]] Counts totals() const;
  [[nodiscard]] Timeline collect_timeline();
  [[nodiscard]] std::unique_ptr<StormResult> collect(uint64_t elapsed_ns);

  struct Prepared {
    Surroundings surroundings;
    OpStream stream;
    std::unique_ptr<Worker> worker;
  };

  Parameters parameters_;
  Crews crews_;
  // Threads are destroyed first, what they use after them.
  std::unique_ptr<Target> target_;
  Tracer tracer_;
  KernelLog kernel_log_;
  LeakCheck leak_check_;
  bool resting_ = false;
  Tally own_tally_;  // of what the main thread does at a rest
  Findings findings_;
  StopFlag stop_;
  std::vector<std::unique_ptr<Tally>> tallies_;
  std::vector<Prepared> prepared_;
  std::vector<std::unique_ptr<WorkerThread>> threads_;

  uint64_t start_ns_ = 0;
  uint64_t next_tick_ns_ = 0;
  uint64_t taint_at_start_;
  bool interrupted_ = false;
  bool stuck_ = false;
  std::vector<bool> reported_stuck_;
  uint64_t expected_complaints_ = 0;
  uint64_t unexpected_complaints_ = 0;
  uint64_t lost_log_lines_ = 0;  // of those, so many were reported
  std::vector<Sample> series_;
};

}  // namespace raceless

#endif
