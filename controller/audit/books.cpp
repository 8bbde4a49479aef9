// SPDX-License-Identifier: GPL-2.0
#include "audit/books.h"

#include <algorithm>
#include <array>
#include <set>

#include "device.h"
#include "uapi/raceless.h"

namespace raceless {

namespace {

using Numbers = std::map<std::string, std::uint64_t>;

constexpr unsigned kStates = RACELESS_DESTROYING + 1;
constexpr const char* kTracepoints = "tracepoints";

std::optional<std::uint64_t> find(const Numbers& numbers, const std::string& key) {
  const auto found = numbers.find(key);
  return found == numbers.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::uint64_t> plus(std::optional<std::uint64_t> left,
                                  std::optional<std::uint64_t> right) {
  return left && right ? std::optional(*left + *right) : std::nullopt;
}

// What is in the registry now. All zero once it is gone.
struct Present {
  std::array<std::uint64_t, RACELESS_DESTROYING + 1> instances{};
  std::uint64_t references = 0;
  std::uint64_t waiters = 0;
  std::uint64_t flights = 0;
};

Present present_in(const StateFile& state) {
  Present present;
  for (const SlotState& slot : state.slots()) {
    for (unsigned i = RACELESS_LOADING; i < kStates; i++)
      for (const char* column : {"state", "beside_state"})
        if (slot.text(column) == state_name(i)) present.instances[i]++;
    present.references += slot.number("refs") + slot.number("beside_refs");
    present.waiters += slot.number("waiters");
    present.flights += slot.number("flying");
  }
  return present;
}

// One load of the registry, by what it says and by what its tracepoints said.
class Load {
 public:
  Load(std::string source, const Numbers& said, const Book& book, const Present& present,
       Comparison& comparison)
      : source_(std::move(source)),
        said_(said),
        book_(book),
        present_(present),
        comparison_(comparison) {}

  void compare() {
    states();
    references();
    flights();
    failures();
    latencies();
    comparison_.add("arguments out of range",
                    {{"expected", 0}, {kTracepoints, hits("out_of_range")}});
  }

 private:
  [[nodiscard]] std::optional<std::uint64_t> said(const std::string& key) const {
    return find(said_, key);
  }
  [[nodiscard]] std::optional<std::uint64_t> hits(const std::string& key) const {
    return find(book_.counts, key);
  }
  void same(const std::string& key, std::optional<std::uint64_t> hits) {
    comparison_.add(key, {{source_, said(key)}, {kTracepoints, hits}});
  }
  void balance(const std::string& name, std::optional<std::uint64_t> in,
               std::optional<std::uint64_t> out) {
    comparison_.add(name, {{"in", in}, {"out or still there", out}});
  }

  void states() {
    std::uint64_t not_gone = 0;
    for (unsigned state = 0; state < kStates; state++) {
      const std::uint64_t now = present_.instances[state];
      same(std::string("to_") + state_name(state), book_.entered(state));
      if (state == RACELESS_GONE) continue;
      not_gone += now;
      balance(std::string("state ") + state_name(state), book_.entered(state),
              book_.left(state) + now);
    }
    balance("state gone", book_.left(RACELESS_GONE), book_.entered(RACELESS_GONE) + not_gone);
    same("publishes", hits("publish"));
    same("replacements", hits("replace_ok"));
    same("replace_failures", hits("replace_failed"));
    same("publishes", book_.transitions(RACELESS_LOADING, RACELESS_LIVE));
    same("init_failures", book_.transitions(RACELESS_LOADING, RACELESS_GONE));
    same("unloads", book_.transitions(RACELESS_LIVE, RACELESS_STOPPING));
  }

  void references() {
    balance("gets and puts", said("gets"), plus(said("puts"), present_.references));
    same("handed_off", hits("publish_handed_off"));
    same("handed_off", hits("wait_ok"));
    same("waits", plus(hits("wait_ok"), hits("wait_failed")));
    balance("waits begun", hits("wait_begin"),
            plus(plus(hits("wait_ok"), hits("wait_failed")), present_.waiters));
  }

  void flights() {
    const auto ended = plus(hits("flight_end_ok"), hits("flight_end_failed"));
    same("flights", hits("flight_start"));
    balance("flights begun", hits("flight_start"), plus(ended, present_.flights));
    same("flight_errors", hits("flight_end_failed"));
    same("flights_in_place", hits("flight_in_place"));
    same("modprobes", hits("flight_tries"));
  }

  void failures() {
    for (unsigned i = RACELESS_REASON_ABSENT; i < RACELESS_NR_REASONS; i++)
      same(std::string("get_failures_") + reason_name(i), hits("get_fail_" + std::to_string(i)));
    for (unsigned i = 1; i < RACELESS_NR_PROMISES; i++)
      same("broken_" + std::to_string(i), hits("broken_" + std::to_string(i)));
  }

  void latency(const std::string& name, std::optional<std::uint64_t> count,
               std::optional<std::uint64_t> sum) {
    same(name + "_count", count);
    same(name + "_sum", sum);
  }
  void transition(const std::string& name, unsigned from, unsigned to) {
    latency(name, book_.transitions(from, to), book_.transitions_ns(from, to));
  }

  void latencies() {
    transition("init_ns", RACELESS_LOADING, RACELESS_LIVE);
    latency("stop_ns", hits("stop"), hits("stop_ns"));
    latency("grace_ns", plus(hits("grace_period_polite"), hits("grace_period_expedited")),
            hits("grace_period_ns"));
    // One for each instance: those that were stopped together share it.
    balance("grace periods of instances", hits("grace_period_instances"),
            book_.transitions(RACELESS_STOPPING, RACELESS_DRAINING));
    transition("drain_ns", RACELESS_DRAINING, RACELESS_DESTROYING);
    transition("destroy_ns", RACELESS_DESTROYING, RACELESS_GONE);
    latency("wait_ns", hits("wait_ok"), hits("wait_ok_ns"));
    latency("flight_ns", plus(hits("flight_end_ok"), hits("flight_end_failed")),
            hits("flight_end_ns"));
  }

  std::string source_;
  const Numbers& said_;
  const Book& book_;
  const Present& present_;
  Comparison& comparison_;
};

// A histogram within itself: a value in the wrong bucket shows, if only in the sum.
void compare_buckets(const std::string& name, const raceless_hist& hist, Comparison& comparison) {
  std::uint64_t count = 0;
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  std::uint32_t highest = 0;
  for (std::uint32_t bucket = 0; bucket < RACELESS_HIST_BUCKETS; bucket++) {
    const std::uint64_t values = hist.buckets[bucket];
    if (values == 0) continue;
    const bool last = bucket + 1 == RACELESS_HIST_BUCKETS;
    count += values;
    least += values * raceless_hist_lower(bucket);
    most += values * (last ? hist.max : raceless_hist_lower(bucket + 1) - 1);
    highest = bucket;
  }
  comparison.add(name + " buckets", {{"count", hist.count}, {"sum of the buckets", count}});
  comparison.add(name + " sum",
                 {{"sum", hist.sum},
                  {"nearest that the buckets allow",
                   std::clamp<std::uint64_t>(hist.sum, least, std::max(least, most))}});
  comparison.add(name + " max", {{"bucket of the maximum", raceless_hist_bucket(hist.max)},
                                 {"highest bucket", highest}});
}

std::uint64_t users_of(const ModuleList& modules, const std::string& name) {
  const auto module = modules.find(name);
  return module == modules.end() ? 0 : module->second.users.size();
}

std::optional<std::uint64_t> references_of(const ModuleList& modules, const std::string& name) {
  const auto module = modules.find(name);
  return module == modules.end() ? std::nullopt : std::optional(module->second.references);
}

// Whoever holds a module is known to the registry: descriptors hold raceless.ko, their references
// the module of the provider.
void compare_pins(const StateFile& state, const ModuleList& modules, Comparison& comparison) {
  const auto opened = state.total("descriptors_opened");
  const auto closed = state.total("descriptors_closed");
  std::optional<std::uint64_t> open;
  if (opened && closed) open = *opened - *closed;
  comparison.add("references on raceless",
                 {{"/proc/modules", references_of(modules, "raceless")},
                  {"users and descriptors", plus(open, users_of(modules, "raceless"))}});
  Numbers held;
  for (const SlotState& slot : state.slots()) {
    if (slot.text("state") != "gone" && !slot.text("owner").empty())
      held[slot.text("owner")] += slot.number("refs");
    if (!slot.text("beside_owner").empty())
      held[slot.text("beside_owner")] += slot.number("beside_refs");
  }
  for (const auto& [owner, references] : held)
    comparison.add("references on " + owner,
                   {{"/proc/modules", references_of(modules, owner)},
                    {"users and /proc/raceless", references + users_of(modules, owner)}});
}

}  // namespace

Status ModuleEvents::arm() {
  for (const char* event : {"module_load", "module_free", "module_get", "module_put"})
    if (Status armed = HistTrigger::arm(std::string("module/") + event, "name"); !armed)
      return armed;
  return {};
}

Result<ModuleEvents> ModuleEvents::read() {
  ModuleEvents events;
  for (const auto& [event, trigger] :
       {std::pair("module_load", &events.loads), std::pair("module_free", &events.frees),
        std::pair("module_get", &events.gets), std::pair("module_put", &events.puts)}) {
    Result<HistTrigger> counted = HistTrigger::read(std::string("module/") + event);
    if (!counted) return tl::unexpected(counted.error());
    *trigger = std::move(*counted);
  }
  return events;
}

void compare_loaded(const StateFile& state, const Book& book, const ModuleList& modules,
                    Comparison& comparison) {
  Numbers said = state.totals();
  for (const auto& [name, hist] : state.histograms()) {
    said[name + "_count"] = hist.count;
    said[name + "_sum"] = hist.sum;
    compare_buckets(name, hist, comparison);
  }
  Load(RACELESS_STATE_FILE, said, book, present_in(state), comparison).compare();
  compare_pins(state, modules, comparison);
}

void compare_unloaded(const Book& book, Comparison& comparison) {
  Load("raceless.ko's exit", book.totals, book, {}, comparison).compare();
  comparison.add("descriptors", {{"opened", find(book.totals, "descriptors_opened")},
                                 {"closed", find(book.totals, "descriptors_closed")}});
}

void compare_modules(const ModuleEvents& events, const ModuleList& modules,
                     Comparison& comparison) {
  std::set<std::string> names;
  for (const auto* trigger : {&events.loads, &events.frees, &events.gets, &events.puts}) {
    comparison.add("module events without a place",
                   {{"expected", 0}, {"ftrace", trigger->dropped}});
    for (const auto& [name, hits] : trigger->hits)
      if (name.starts_with("raceless")) names.insert(name);
  }
  for (const std::string& name : names) {
    const auto module = modules.find(name);
    const bool loaded = module != modules.end();
    const std::uint64_t references = loaded ? module->second.references : 0;
    comparison.add(name + " loads",
                   {{"module_load", events.loads.of(name)},
                    {"module_free and /proc/modules", events.frees.of(name) + (loaded ? 1 : 0)}});
    // A load ends with the put of a reference that the module was born with.
    comparison.add(name + " references",
                   {{"module_load and module_get", events.loads.of(name) + events.gets.of(name)},
                    {"module_put and /proc/modules", events.puts.of(name) + references}});
    if (loaded)
      comparison.add(name + " count",
                     {{"/proc/modules", references}, {"/sys/module", module->second.sysfs_count}});
  }
}

}  // namespace raceless
