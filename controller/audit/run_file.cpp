// SPDX-License-Identifier: GPL-2.0
#include "audit/run_file.h"

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "device.h"
#include "plan.h"
#include "text_file.h"
#include "uapi/raceless.h"

namespace raceless {

namespace {

using nlohmann::json;
using Value = std::optional<std::uint64_t>;

constexpr const char* kRun = "run.json";
constexpr const char* kProc = RACELESS_STATE_FILE;
constexpr const char* kBpf = "BPF";

Value number(const json& object, const std::string& key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

// Of a breakdown: what did not happen has no entry.
std::uint64_t entry(const json& breakdown, const std::string& key) {
  return number(breakdown, key).value_or(0);
}

std::uint64_t sum(const json& breakdown, const std::string& prefix = "") {
  std::uint64_t all = 0;
  for (const auto& [key, value] : breakdown.items())
    if (key.starts_with(prefix)) all += value.get<std::uint64_t>();
  return all;
}

Value plus(Value left, Value right) { return left && right ? Value(*left + *right) : std::nullopt; }
Value minus(Value left, Value right) {
  return left && right ? Value(*left - *right) : std::nullopt;
}

class Run {
 public:
  Run(const json& run, Comparison& comparison)
      : run_(run),
        counters_(run.at("counters")),
        tracing_(run.at("tracing")),
        traced_(tracing_.at("counters")),
        comparison_(comparison) {}

  void compare() {
    plan();
    breakdowns();
    histograms();
    if (!counters_.contains("registry_gets")) return;
    // A module that gets providers itself is a consumer that no thread counts.
    const std::string options = run_.at("parameters").at("module_options");
    if (options.find("holds=") == std::string::npos &&
        options.find("ask_self") == std::string::npos)
      consumers();
    else
      comparison_.skip("gets of the storm's threads", "the module under test gets providers too");
    comparison_.add("references",
                    {{"taken", counter("registry_gets")}, {"put", counter("registry_puts")}});
    if (!tracing_.at("on").get<bool>() || !tracing_.at("missing").empty())
      return comparison_.skip("what BPF counted", "not everything was traced");
    bpf();
    unloads();
  }

 private:
  [[nodiscard]] Value counter(const std::string& key) const { return number(counters_, key); }
  [[nodiscard]] Value traced(const std::string& key) const { return number(traced_, key); }
  [[nodiscard]] Value recorded(const std::string& histogram) const {
    const json& all = run_.at("histograms");
    return all.contains(histogram) ? number(all.at(histogram), "count") : std::nullopt;
  }
  // What the storm's own check at the end did, which is no thread's.
  [[nodiscard]] std::uint64_t check(const std::string& key) const {
    return entry(counters_, "check_" + key);
  }

  void plan() {
    const json& context = run_.at("context");
    const json& parameters = run_.at("parameters");
    const json& threads = run_.at("plan").at("threads");
    const Plan plan(context.at("seed").get<std::uint64_t>());
    for (const Role role : kRoles) {
      const json& crew = parameters.at(std::string(role_name(role)) + "s");
      const Pacing pacing = {crew.at("pause_min_ns"), crew.at("pause_max_ns"),
                             crew.at("tight_percent")};
      for (std::uint32_t index = 0; index < crew.at("threads").get<std::uint32_t>(); index++) {
        const std::string thread = fmt::format("{}-{}", role_name(role), index);
        if (!threads.contains(thread)) {
          comparison_.add("plan of " + thread, {{kRun, std::nullopt}});
          continue;
        }
        const json& done = threads.at(thread);
        const auto operations = done.at("operations").get<std::uint64_t>();
        OpStream stream = plan.stream(role, index, pacing,
                                      run_.at("plan").at("max_hold_ns").get<std::uint64_t>());
        const std::string digest = done.at("digest");
        comparison_.add(fmt::format("plan of {}, {} operations", thread, operations),
                        {{kRun, std::strtoull(digest.c_str(), nullptr, 16)},
                         {"drawn again", stream.digest(operations).value()}});
      }
    }
  }

  void breakdowns() {
    const auto same = [this](const std::string& name, Value total, Value parts) {
      comparison_.add(name, {{"counter", total}, {"sum of its parts", parts}});
    };
    same("get_failures", counter("get_failures"), sum(counters_.at("get_failures_by_reason")));
    same("user_failures", counter("user_failures"), sum(counters_.at("user_failures_by_errno")));
    const json& loads = counters_.at("loads_by_outcome");
    same("loads", counter("loads"), entry(loads, "ok"));
    same("load attempts", plus(counter("loads"), counter("load_failures")), sum(loads));
    const json& unloads = counters_.at("unloads_by_outcome");
    same("unloads", counter("unloads"),
         entry(unloads, "unload ok") + entry(unloads, "delete ok") + entry(unloads, "destroy ok"));
    same("unload attempts", plus(counter("unloads"), counter("unload_failures")),
         sum(unloads, "unload ") + sum(unloads, "delete ") + sum(unloads, "destroy "));
  }

  void histograms() {
    for (const auto& [name, histogram] : run_.at("histograms").items()) {
      std::uint64_t values = 0;
      for (const json& bucket : histogram.at("buckets"))
        values += bucket.at(1).get<std::uint64_t>();
      comparison_.add(name + " buckets",
                      {{"count", number(histogram, "count")}, {"sum of the buckets", values}});
    }
    const auto same = [this](const std::string& histogram, Value events) {
      comparison_.add(histogram, {{"histogram", recorded(histogram)}, {"counter", events}});
    };
    same("reload_wait_ns", counter("waits"));
    same("load_ns", counter("loads"));
    same("unload_ns", counter("unloads"));
  }

  void consumers() {
    const Value granted = minus(counter("gets"), counter("get_failures"));
    comparison_.add("gets",
                    {{kRun, plus(granted, check("gets"))},
                     {kProc, plus(counter("registry_gets"), counter("registry_calls_by_name"))}});
    comparison_.add("calls", {{kRun, recorded("call_ns")}, {kProc, counter("registry_calls")}});
    comparison_.add("waits with a reference", {{kRun, plus(counter("waits"), check("waits"))},
                                               {kProc, counter("registry_handed_off")}});
    const json& failures = counters_.at("get_failures_by_reason");
    for (std::uint32_t reason = RACELESS_REASON_ABSENT; reason < RACELESS_NR_REASONS; reason++) {
      const std::string key = std::string("get_failures_") + reason_name(reason);
      comparison_.add(key, {{kRun, entry(failures, reason_name(reason)) + check(key)},
                            {kProc, counter("registry_" + key)}});
    }
  }

  // The programs were attached before the first event after the registry's numbers were read, so
  // that nothing has to be left out.
  void bpf() {
    for (const auto& [key, value] : traced_.items())
      if (counters_.contains("registry_" + key))
        comparison_.add(key,
                        {{kBpf, value.get<std::uint64_t>()}, {kProc, counter("registry_" + key)}});
    const auto same = [this](const std::string& histogram, Value events) {
      comparison_.add("traced " + histogram,
                      {{"histogram", recorded(histogram)}, {"counter", events}});
    };
    same("traced_reload_wait_ns", minus(traced("waits"), traced("failed_waits")));
    same("failed_wait_ns", traced("failed_waits"));
    same("flight_ns", traced("flights"));
    same("init_ns", traced("to_live"));
    same("grace_ns", plus(traced("grace_expedited"), traced("grace_polite")));
    same("drain_ns", traced("to_destroying"));
    for (const char* kind : {"keys", "tasks", "maxima"})
      comparison_.add(std::string("drops of ") + kind,
                      {{"expected", 0}, {kBpf, number(run_.at("drops"), kind)}});
  }

  // Each delete_module of the module is a thread's, or the last check's.
  void unloads() {
    const std::uint64_t missed = entry(run_.at("drops"), "missed_runs");
    if (missed > 0)
      return comparison_.skip(
          "unloads by outcome",
          fmt::format("the kernel skipped {} runs of a program that another task was in", missed));
    const json& unloads = counters_.at("unloads_by_outcome");
    const std::string prefix = "unload_results_";
    std::uint64_t all = 0;
    for (const auto& [key, value] : traced_.items()) {
      if (!key.starts_with(prefix)) continue;
      const std::string outcome = key.substr(prefix.size());
      // A delete that waits in the gate is made to fail so, and begun again; its thread sees one
      // call.
      if (outcome == "EFAULT" && value <= entry(counters_, "gate_deletes_delayed")) continue;
      all += value.get<std::uint64_t>();
      comparison_.add(
          "delete_module " + outcome,
          {{kRun, entry(unloads, "delete " + outcome) + entry(unloads, "held delete " + outcome) +
                      check("delete_" + outcome)},
           {kBpf, value.get<std::uint64_t>()}});
    }
    comparison_.add("delete_module",
                    {{kRun, sum(unloads, "delete ") + sum(unloads, "held delete ") +
                                sum(counters_with("check_delete_"))},
                     {kBpf, all}});
  }

  [[nodiscard]] json counters_with(const std::string& prefix) const {
    json found = json::object();
    for (const auto& [key, value] : counters_.items())
      if (key.starts_with(prefix)) found[key] = value;
    return found;
  }

  const json& run_;
  const json& counters_;
  const json& tracing_;
  const json& traced_;
  Comparison& comparison_;
};

}  // namespace

Result<json> read_run(const std::string& path) {
  const Result<std::string> text = read_text(path);
  if (!text) return tl::unexpected(text.error());
  json run = json::parse(*text, nullptr, false);
  if (run.is_discarded()) return fail(EPROTO, path + " is not JSON");
  return run;
}

void compare_run(const json& run, Comparison& comparison) { Run(run, comparison).compare(); }

}  // namespace raceless
