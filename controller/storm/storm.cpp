// SPDX-License-Identifier: GPL-2.0
#include "storm/storm.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "clock.h"

namespace raceless {

namespace {

constexpr uint64_t kTickNs = 100 * kNsPerMs;
constexpr uint64_t kTargetCheckTicks = 5;

}  // namespace

bool StormResult::used_in_vain() const {
  return get(tally.counts(), Count::uses) != 0 && tally.histogram(Latency::use).count() == 0;
}

bool StormResult::unloaded_nothing() const {
  return crews[static_cast<size_t>(Role::unloader)].threads != 0 &&
         get(tally.counts(), Count::unloads) == 0;
}

Crews crews_for(const Parameters& parameters, const Target& target) {
  Crews crews = target.default_crews();
  for (const Role role : kRoles) {
    const auto index = static_cast<size_t>(role);
    if (parameters.threads[index]) crews[index].threads = *parameters.threads[index];
    if (const auto interval = parameters.interval_ns[index])
      crews[index].pacing = {*interval, *interval, 0};
  }
  return crews;
}

Storm::Storm(const Parameters& parameters, std::unique_ptr<Target> target, Tracer tracer,
             KernelLog kernel_log, uint64_t taint)
    : parameters_(parameters),
      crews_(crews_for(parameters, *target)),
      target_(std::move(target)),
      tracer_(std::move(tracer)),
      kernel_log_(std::move(kernel_log)),
      leak_check_(parameters.leak_check_unloads,
                  [code = target_->tested_code()] { return read_holdings(code); }),
      taint_at_start_(taint) {}

Result<std::unique_ptr<Storm>> Storm::prepare(const Parameters& parameters,
                                              std::unique_ptr<Target> target) {
  Result<KernelLog> kernel_log = KernelLog::open();
  if (!kernel_log) return tl::unexpected(kernel_log.error());
  const Result<uint64_t> taint = read_taint();
  if (!taint) return tl::unexpected(taint.error());
  if (const Status prepared = target->prepare(); !prepared) return tl::unexpected(prepared.error());
  Tracing::Options tracing = target->tracing_options();
  tracing.keep_pins = !parameters.maps.empty();
  if (tracing.keep_pins) tracing.pin_dir = parameters.maps;
  tracing.events = parameters.timeline;
  Tracer tracer = parameters.trace ? Tracer(tracing) : Tracer("--no-trace");
  std::unique_ptr<Storm> storm(
      new Storm(parameters, std::move(target), std::move(tracer), std::move(*kernel_log), *taint));
  if (const Status made = storm->make_workers(); !made) return tl::unexpected(made.error());
  return storm;
}

Status Storm::make_workers() {
  const Plan plan(parameters_.seed);
  for (const Role role : kRoles) {
    const Crew& crew = crews_[static_cast<size_t>(role)];
    for (uint32_t index = 0; index < crew.threads; index++) {
      tallies_.push_back(std::make_unique<Tally>());
      const Surroundings surroundings{fmt::format("{}-{}", role_name(role), index),
                                      role,
                                      index,
                                      *tallies_.back(),
                                      findings_,
                                      stop_,
                                      tracer_};
      Result<std::unique_ptr<Worker>> worker = target_->make_worker(surroundings);
      if (!worker) return tl::unexpected(worker.error());
      prepared_.push_back({surroundings,
                           plan.stream(role, index, crew.pacing, target_->max_hold_ns()),
                           std::move(*worker)});
    }
  }
  return {};
}

void Storm::start_threads() {
  start_ns_ = now_ns();
  next_tick_ns_ = start_ns_ + kTickNs;
  findings_.start_clock(start_ns_);
  for (Prepared& prepared : prepared_)
    threads_.push_back(std::make_unique<WorkerThread>(prepared.surroundings, prepared.stream,
                                                      std::move(prepared.worker)));
  prepared_.clear();
  reported_stuck_.assign(threads_.size(), false);
}

std::unique_ptr<StormResult> Storm::run(const Signals& signals, const ShowProgress& progress) {
  // Without a begin there is nothing to compare with.
  if (leak_check_.on() && target_->rest(own_tally_))
    leak_check_.begin();
  else
    leak_check_.turn_off();
  start_threads();
  take_sample();
  while (!signals.pending() && !is_over()) {
    tick(signals);
    progress(series_.back());
  }
  interrupted_ = signals.pending();
  const uint64_t elapsed_ns = now_ns() - start_ns_;
  stop_.stop();
  join_threads(signals);
  // Whoever is stuck may hold anything: the end is as broken as it can be.
  if (!stuck_) target_->check_end(findings_);
  if (!stuck_) end_leak_check();
  // The last numbers, now that nothing more is loaded: a late flight may have brought the module
  // back after check_end(), and the rest has unloaded it.
  if (!stuck_) target_->check_during(findings_);
  check_kernel_log();
  check_taint();
  return collect(elapsed_ns);
}

bool Storm::is_over() const {
  const uint64_t max_uses = parameters_.max_uses;
  return now_ns() >= start_ns_ + parameters_.duration_ns ||
         (max_uses != 0 && get(series_.back().counts, Count::uses) >= max_uses);
}

void Storm::tick(const Signals& signals) {
  pollfd events{signals.fd(), POLLIN, 0};
  const uint64_t now = now_ns();
  if (now < next_tick_ns_) {
    const uint64_t wait_ms = (next_tick_ns_ - now + kNsPerMs - 1) / kNsPerMs;
    // Only until the first signal; after it there is nothing to be woken for.
    poll(&events, signals.pending() ? 0 : 1, static_cast<int>(wait_ms));
  }
  if (now_ns() < next_tick_ns_) return;
  take_sample();
  check_kernel_log();
  check_stuck();
  if (series_.size() % kTargetCheckTicks == 0) target_->check_during(findings_);
  check_leaks();
  // A tick that came late shows in the sample's time, and is not made up for.
  next_tick_ns_ = std::max(next_tick_ns_ + kTickNs, now_ns());
}

void Storm::take_sample() {
  const Counts counts = totals();
  series_.push_back({now_ns() - start_ns_, counts, target_->reloads(counts)});
}

void Storm::check_kernel_log() {
  for (const std::string& line : kernel_log_.read_new()) {
    if (!is_complaint(line)) continue;
    if (target_->expects_complaint(line)) {
      expected_complaints_++;
    } else {
      unexpected_complaints_++;
      findings_.report({0, "the kernel complained: " + line, 0, "kernel", 0});
    }
  }
  const uint64_t lost = kernel_log_.lost();
  if (lost == lost_log_lines_) return;
  // Once: one storm of messages may lose some each time.
  if (lost_log_lines_ == 0)
    findings_.report({0,
                      "lines of the kernel's log were lost before they were read; what they "
                      "complained of is not known",
                      0, "kernel", 0});
  lost_log_lines_ = lost;
}

void Storm::check_taint() {
  const Result<uint64_t> taint = read_taint();
  if (!taint) return;
  const uint64_t new_bits = complaint_bits(*taint & ~taint_at_start_);
  // An expected warning taints too. What explains the taint in the log was reported there.
  if (new_bits == 0 || unexpected_complaints_ > 0) return;
  const uint64_t warned = describe_taint(new_bits) == "W (warned)" ? 1 : 0;
  if (warned == 1 && expected_complaints_ > 0) return;
  findings_.report(
      {0, "the kernel is tainted by a fault: " + describe_taint(new_bits), 0, "kernel", 0});
}

void Storm::check_stuck() {
  const uint64_t now = now_ns();
  for (size_t i = 0; i < threads_.size(); i++) {
    const uint64_t busy_ns = threads_[i]->busy_ns(now);
    if (busy_ns >= parameters_.stuck_after_ns) report_stuck(i, busy_ns);
  }
}

void Storm::report_stuck(size_t thread, uint64_t busy_ns) {
  if (reported_stuck_[thread]) return;
  reported_stuck_[thread] = true;
  const WorkerThread& stuck = *threads_[thread];
  findings_.report(
      {RACELESS_PROMISE_LEAVES_NOTHING,
       fmt::format("stuck for {} s in: {}", busy_ns / kNsPerSecond, stuck.kernel_stack()), 0,
       stuck.name(), 0});
}

// Each thread that is not stuck comes to the end of its operation within a few ticks.
void Storm::check_leaks() {
  const uint64_t unloads = get(totals(), Count::unloads);
  if (!resting_ && !stop_.stopped() && leak_check_.due(unloads)) {
    resting_ = true;
    stop_.rest();
  }
  if (!resting_ || stop_.waiting() < threads_.size()) return;
  if (target_->rest(own_tally_))
    leak_check_.rest(unloads, findings_);
  else
    leak_check_.skip(unloads);
  resting_ = false;
  stop_.go_on();
}

void Storm::end_leak_check() {
  // Whatever is loaded still has a right to its memory; check_end() has said why it is.
  if (leak_check_.on() && target_->rest(own_tally_))
    leak_check_.end(get(totals(), Count::unloads), findings_);
}

// Each thread has ended, or is stuck and was reported.
bool Storm::all_settled() const {
  for (size_t i = 0; i < threads_.size(); i++)
    if (!threads_[i]->ended() && !reported_stuck_[i]) return false;
  return true;
}

void Storm::join_threads(const Signals& signals) {
  // The last operation, and then what is closed; and what a clock that ran backwards adds.
  const uint64_t deadline_ns = now_ns() + 2 * (parameters_.stuck_after_ns + 2 * kTickNs);
  while (!all_settled() && now_ns() < deadline_ns) {
    tick(signals);
  }
  for (size_t i = 0; i < threads_.size(); i++) {
    if (threads_[i]->ended()) {
      threads_[i]->join();
    } else {
      stuck_ = true;
      report_stuck(i, threads_[i]->busy_ns(now_ns()));
      threads_[i]->abandon();
    }
  }
}

void say_what_stays() {
  constexpr std::string_view kMessage =
      "raceless: what it had loaded or turned on stays: see lsmod, `raceless gate status` and "
      "/run/modprobe.d/raceless-*\n";
  (void)!write(STDERR_FILENO, kMessage.data(), kMessage.size());
}

Counts Storm::totals() const {
  Counts sum = own_tally_.counts();
  for (const auto& tally : tallies_) {
    const Counts counts = tally->counts();
    for (size_t i = 0; i < sum.size(); i++) sum[i] += counts[i];
  }
  return sum;
}

Timeline Storm::collect_timeline() {
  Timeline timeline;
  timeline.begin_ns = start_ns_;
  timeline.end_ns = now_ns();
  timeline.events = tracer_.end_recording();
  for (const auto& thread : threads_)
    if (thread->ended()) timeline.threads.push_back(thread->record());
  return timeline;
}

std::unique_ptr<StormResult> Storm::collect(uint64_t elapsed_ns) {
  auto result = std::make_unique<StormResult>();
  // The tally of a thread that has not ended is still being written.
  for (size_t i = 0; i < threads_.size(); i++)
    if (threads_[i]->ended()) {
      result->tally.merge(*tallies_[i]);
      result->done[threads_[i]->name()] = threads_[i]->done();
    }
  result->tally.merge(own_tally_);
  result->rests = leak_check_.rests();
  result->slab_callers = knows_slab_callers();
  result->leaks = leak_check_.leaks();
  result->crews = crews_;
  result->max_hold_ns = target_->max_hold_ns();
  result->elapsed_ns = elapsed_ns;
  result->interrupted = interrupted_;
  result->stuck = stuck_;
  result->reloads = target_->reloads(result->tally.counts());
  result->extra_counters = target_->extra_counters();
  result->target_lines = target_->summary_lines();
  result->expected_complaints = expected_complaints_;
  result->lost_log_lines = lost_log_lines_;
  result->series = std::move(series_);
  result->findings = findings_.list();
  result->nr_findings = findings_.count();
  result->timeline = collect_timeline();
  result->traced = tracer_.on();
  result->not_traced = tracer_.missing();
  result->snapshot = tracer_.snapshot();
  if (result->snapshot) result->timeline.lost_events = result->snapshot->drops["events"];
  return result;
}

}  // namespace raceless
