// SPDX-License-Identifier: GPL-2.0
#include "targets/module_workers.h"

#include <fmt/format.h>
#include <signal.h>

#include <cstdio>

#include "clock.h"
#include "duration.h"
#include "targets/held_files.h"
#include "targets/module_cycle.h"
#include "targets/open_trap.h"

namespace raceless {

namespace {

// Of the runs: stopped with a device open, stopped somewhere; the rest is left alone.
constexpr uint32_t kOpenPercent = 50;
constexpr uint32_t kHeldPercent = 75;
constexpr uint64_t kLongestHoldNs = kNsPerSecond;
constexpr uint64_t kPollNs = 100 * kNsPerMs;
constexpr uint64_t kLastRunNs = 2 * kNsPerSecond;  // for a run that the storm's end meets
constexpr uint64_t kHungNs = 5 * kNsPerSecond;     // and so many times what it takes alone:
constexpr uint64_t kHungTimes = 5;
constexpr uint64_t kDeathNs = 10 * kNsPerSecond;  // after SIGKILL
constexpr uint64_t kAbsentNs = 500 * kNsPerMs;    // how long to wait for the module to be gone
constexpr uint64_t kAbsentPollNs = 1 * kNsPerMs;

// The same before and after, and nothing under way: no unload came between.
struct Unloads {
  uint64_t begun;
  uint64_t done;
  bool under_way;

  explicit Unloads(const ModuleScene& scene)
      : begun(scene.unloads_begun),
        done(scene.unloads_done),
        under_way(begun != done + scene.unloads_failed) {}
};

}  // namespace

ModuleConsumer::ModuleConsumer(Surroundings surroundings, ModuleScene& scene)
    : surroundings_(std::move(surroundings)), scene_(scene) {}

void ModuleConsumer::run(const Op& op) {
  surroundings_.tally.add(Count::uses);
  const uint64_t start_ns = now_ns();
  const Unloads before(scene_);
  const bool live = module_state(scene_.module) == ModuleState::live;
  Result<Workload> workload = Workload::start(scene_.workload);
  if (!workload) return broken("cannot run the workload: " + workload.error().message());
  if (op.percent < kOpenPercent)
    hold_open_device(*workload, op);
  else if (op.percent < kHeldPercent)
    hold_somewhere(*workload, op);
  if (!await(*workload, start_ns)) return;
  const WorkloadEnd end = workload->end();
  const Unloads after(scene_);
  const bool was_there = live && !before.under_way && !after.under_way && before.done == after.done;
  ended(end, was_there, start_ns);
}

// Anywhere between its start and its usual end: also at a file, a socket or a mount.
void ModuleConsumer::hold_somewhere(Workload& workload, const Op& op) {
  const uint64_t delay_ns = scene_.workload_ns / 1024 * (op.choice % 1024);
  if (workload.wait(delay_ns)) return;
  workload.freeze();
  const HeldFiles held = HeldFiles::capture(workload.processes());
  surroundings_.stop.pause(op.hold_ns);
  if (const auto file = held.vanished())
    release_unloaded(workload, *file, [&workload] { workload.thaw(); });
  else
    workload.thaw();
}

// Right after it has opened a device of the module, until somebody has tried to unload that.
void ModuleConsumer::hold_open_device(Workload& workload, const Op& op) {
  Result<OpenTrap> trap = OpenTrap::set(workload.pid());
  if (!trap) return;
  const pid_t holder = trap->run(
      [this](const std::string& descriptor) {
        return HeldFiles::is_new_device(descriptor, scene_.other_devices);
      },
      [this] { return surroundings_.stop.stopped(); });
  if (holder == 0) return;
  const HeldFiles held = HeldFiles::capture({holder});
  wait_for_unload(op.hold_ns);
  if (const auto file = held.vanished()) {
    release_unloaded(workload, *file, [&trap] { trap->release(); });
  } else {
    scene_.refused_under_file++;
  }
}

void ModuleConsumer::wait_for_unload(uint64_t at_least_ns) {
  const uint64_t begun = scene_.unloads_begun;
  const uint64_t deadline_ns = now_ns() + kLongestHoldNs;
  surroundings_.stop.pause(at_least_ns);
  // More have ended than had begun: one of them began after the file was opened.
  while (scene_.unloads_done + scene_.unloads_failed <= begun && now_ns() < deadline_ns &&
         !surroundings_.stop.stopped())
    surroundings_.stop.pause(kAbsentPollNs);
}

// Either the driver behind the file copes (a hot-plug subsystem owns the file and refuses further
// operations), or the file's operations are freed memory. The next operation tells, if no new load
// has put the same code to the same place: so loads wait.
void ModuleConsumer::release_unloaded(Workload& workload, const std::string& file,
                                      const std::function<void()>& release) {
  scene_.unloaded_under_file++;
  const std::lock_guard no_loads(scene_.loading);
  const uint64_t deadline_ns = now_ns() + kAbsentNs;
  while (module_state(scene_.module) != ModuleState::absent && now_ns() < deadline_ns)
    surroundings_.stop.pause(kAbsentPollNs);
  // Printed before, as there may be no after.
  fmt::print(stderr,
             "\nraceless: {} was unloaded while {} was open; if the kernel crashes now, the "
             "file_operations of {} lack .owner = THIS_MODULE\n",
             scene_.module, file, file);
  std::fflush(stderr);
  release();
  (void)workload.wait(scene_.workload_ns + kAbsentNs);
}

// False if it did not end, not even by SIGKILL.
bool ModuleConsumer::await(Workload& workload, uint64_t start_ns) {
  uint64_t stopped_ns = 0;
  std::string activity;
  while (!workload.wait(kPollNs)) {
    if (!surroundings_.stop.stopped()) continue;
    if (stopped_ns == 0) {
      stopped_ns = now_ns();
      activity = workload.activity();
    }
    if (now_ns() - stopped_ns < kLastRunNs) continue;
    // One that was begun just now says nothing, nor one that is slow.
    if (stopped_ns - start_ns > kHungNs + kHungTimes * scene_.workload_ns &&
        activity == workload.activity())
      broken(fmt::format("the workload hangs, since {} s; alone it takes {}; {}",
                         (now_ns() - start_ns) / kNsPerSecond, format_duration(scene_.workload_ns),
                         workload.kernel_stacks()));
    workload.kill_group();
    if (workload.wait(kDeathNs)) break;
    broken("the workload cannot be killed; " + workload.kernel_stacks());
    return false;
  }
  return true;
}

void ModuleConsumer::ended(const WorkloadEnd& end, bool was_there, uint64_t start_ns) {
  Tally& tally = surroundings_.tally;
  tally.record(end.ok() ? Latency::use : Latency::use_failed, now_ns() - start_ns);
  // A run that the end of the storm cut off says nothing.
  if (end.ok() || (end.signal == SIGKILL && surroundings_.stop.stopped())) return;
  tally.add(Count::user_failures);
  const int error = errno_in(end.output);
  const std::string by = error != 0                ? outcome_name(error)
                         : end.fatal_signal() != 0 ? fmt::format("signal {}", end.fatal_signal())
                                                   : fmt::format("exit {}", end.status);
  tally.add(Breakdown::user_failures_by_errno, by);
  // The call that failed was made by a process of the workload's, which nobody asks.
  tally.add(Breakdown::user_failures_by_cause, "unknown");
  if (end.signal != 0)
    broken("the workload was " + end.describe());
  else if (end.fatal_signal() != 0)
    broken("a process of the workload was killed by a signal: " + end.describe());
  else if (was_there)
    broken(
        "the workload failed though its module was loaded all the time: " + end.describe() +
        (error == EBUSY ? "; if only one may use it at a time, storm it with --consumers 1" : ""));
}

void ModuleConsumer::broken(std::string what) {
  surroundings_.findings.report({0, std::move(what), 0, surroundings_.thread, 0});
}

ModuleUnloader::ModuleUnloader(Surroundings surroundings, ModuleScene& scene)
    : surroundings_(std::move(surroundings)), scene_(scene) {}

void ModuleUnloader::run(const Op& /*op*/) {
  scene_.unloads_begun++;
  const int error = delete_and_count(scene_.module, surroundings_.tally);
  if (error == 0)
    scene_.unloads_done++;
  else
    scene_.unloads_failed++;
}

ModuleFileLoader::ModuleFileLoader(Surroundings surroundings, ModuleScene& scene,
                                   ModuleLoader loader, KernelModule file)
    : surroundings_(std::move(surroundings)),
      scene_(scene),
      loader_(std::move(loader)),
      file_(std::move(file)) {}

void ModuleFileLoader::run(const Op& /*op*/) {
  const std::lock_guard allowed(scene_.loading);
  scene_.plain_files_removed += scene_.plain_files.remove_new();
  const int error = load_and_count(file_, surroundings_.tally);
  if (error == 0 || error == EEXIST || error == EBUSY) return;
  surroundings_.findings.report(
      {0, Error{error, "cannot load " + scene_.path}.message(), 0, surroundings_.thread, 0});
}

}  // namespace raceless
