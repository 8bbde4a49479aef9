// SPDX-License-Identifier: GPL-2.0
#include "soak/page.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "clock.h"
#include "terminal.h"

namespace raceless {

namespace {

using nlohmann::json;

constexpr size_t kShownFailures = 10;
constexpr size_t kShownCaches = 10;

// "1 h 2 min", "58 s"
std::string long_time(uint64_t ns) {
  const uint64_t seconds = ns / kNsPerSecond;
  if (seconds >= 3600) return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
  if (seconds >= 600) return fmt::format("{} min", seconds / 60);
  return fmt::format("{} s", seconds);
}

std::string turns_verdict(const SoakedTarget& target) {
  if (target.failed_turns != 0) return fmt::format("{} FAILED", target.failed_turns);
  return target.turns == 0 ? "not reached" : "pass";
}

std::string targets_text(const SoakRecord& record) {
  Table table;
  table.row({"target", "storms", "lifecycles", "uses", "failed", "verdict"});
  SoakedTarget all{.name = "in all"};
  for (const SoakedTarget& target : record.targets) {
    if (!target.not_run.empty()) continue;
    all.turns += target.turns;
    all.lifecycles += target.lifecycles;
    all.uses += target.uses;
    all.failures += target.failures;
    all.failed_turns += target.failed_turns;
    table.row({target.name, std::to_string(target.turns), std::to_string(target.lifecycles),
               std::to_string(target.uses), std::to_string(target.failures),
               turns_verdict(target)});
  }
  table.row({all.name, std::to_string(all.turns), std::to_string(all.lifecycles),
             std::to_string(all.uses), std::to_string(all.failures), turns_verdict(all)});
  std::string text = table.text();
  for (const SoakedTarget& target : record.targets)
    if (!target.not_run.empty())
      text += fmt::format("{} not run: {}\n", target.name, target.not_run);
  return text;
}

std::vector<std::string> cells(const QuantityTrend& row) {
  const auto text = [&row](double value) { return quantity_text(row.unit, value, true); };
  const double sign = row.falls ? -1 : 1;
  std::string interval = "-";
  if (row.trend.judged)
    interval = row.falls ? fmt::format("{} … {}", text(-row.trend.high), text(-row.trend.low))
                         : fmt::format("{} … {}", text(row.trend.low), text(row.trend.high));
  return {row.name,
          quantity_text(row.unit, row.first),
          quantity_text(row.unit, row.last),
          text(sign * row.trend.slope),
          interval,
          text(sign * row.growth),
          text(sign * row.bound),
          movement_name(row.movement) +
              (row.most_in.empty() ? "" : fmt::format(", most with {}", row.most_in))};
}

std::string quantities_text(const Judgement& judgement) {
  Table table;
  table.row({"at rest", "first", "last", "per hour", "99 % sure", "growth", "bound", "verdict"});
  for (const QuantityTrend& row : judgement.quantities) table.row(cells(row));
  size_t leaking = 0;
  for (const QuantityTrend& row : judgement.caches)
    if (row.movement == Movement::grows && leaking++ < kShownCaches) table.row(cells(row));
  std::string text = table.text();
  if (leaking > kShownCaches)
    text += fmt::format("and {} more slab caches\n", leaking - kShownCaches);
  text += fmt::format(
      "{} moments at rest in {:.2f} h and {} lifecycles; without the first {} as warm-up.\n"
      "Slope and interval: Theil and Sen, of moments after the same target. A leak is what grows "
      "for\n"
      "sure, and in all by more than its bound; slab caches are shown if they do (bound {:.0f} "
      "objects\n"
      "each, or one in {:.0f} lifecycles).\n",
      judgement.moments, judgement.hours, judgement.lifecycles,
      judgement.warm_up_rounds == 1 ? "round" : fmt::format("{} rounds", judgement.warm_up_rounds),
      kCacheBound, kCacheBoundLifecycles);
  return text;
}

std::string repeat(const SoakHead& head, const SoakRecord& record, const FailedTurn& failed) {
  return fmt::format("make storm {}TARGET={} SEED={} DURATION={}s",
                     head.make_variables.empty() ? "" : head.make_variables + " ", failed.target,
                     failed.seed, (record.turn_ns + kNsPerSecond - 1) / kNsPerSecond);
}

std::string failures_text(const SoakHead& head, const SoakRecord& record) {
  std::string text;
  for (size_t i = 0; i < record.failed.size() && i < kShownFailures; i++) {
    const FailedTurn& failed = record.failed[i];
    text += fmt::format(
        "failed: {}, round {}: {}{}\n  {}\n", failed.target, failed.round + 1, failed.first,
        failed.findings > 1 ? fmt::format(" (and {} more)", failed.findings - 1) : "",
        repeat(head, record, failed));
  }
  if (record.failed.size() > kShownFailures)
    text += fmt::format("and {} more\n", record.failed.size() - kShownFailures);
  return text;
}

std::string why(const SoakRecord& record, const Judgement& judgement) {
  if (record.lifecycles() == 0) return "nothing was loaded and unloaded";
  std::string text;
  const auto add = [&text](const std::string& reason) {
    text += (text.empty() ? "" : ", ") + reason;
  };
  if (const SoakedTarget* idle = record.idle())
    add("nothing was unloaded in the storms on " + idle->name);
  if (!record.failed.empty()) add(fmt::format("{} storms failed", record.failed.size()));
  if (record.stuck) add("a storm did not end");
  if (judgement.grows()) add("what is left at rest grows");
  if (!judgement.judged) add("too few turns to tell whether anything grows");
  return text;
}

json trend_json(const QuantityTrend& row) {
  json out = {{"first", row.first},
              {"last", row.last},
              {"per_hour", (row.falls ? -1 : 1) * row.trend.slope},
              {"growth", row.growth},
              {"bound", row.bound},
              {"verdict", movement_name(row.movement)},
              {"unit", row.unit == Unit::bytes ? "bytes" : "objects"}};
  if (row.trend.judged) {
    out["per_hour_low"] = row.falls ? -row.trend.high : row.trend.low;
    out["per_hour_high"] = row.falls ? -row.trend.low : row.trend.high;
  }
  if (!row.most_in.empty()) out["most_with"] = row.most_in;
  return out;
}

json moments_json(const SoakRecord& record) {
  json out = json::array();
  for (const Moment& moment : record.moments) {
    json row = {{"time_s", static_cast<double>(moment.time_ns) / 1e9},
                {"round", moment.round},
                {"target", record.targets[moment.target].name},
                {"lifecycles", moment.lifecycles}};
    for (size_t i = 0; i < kQuantities.size(); i++)
      row[std::string(kQuantities[i].name)] = moment.reading.values[i];
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace

std::string soak_page(const SoakHead& head, const SoakRecord& record, const Judgement& judgement) {
  const uint64_t rounds = record.moments.empty() ? 0 : record.moments.back().round + 1;
  std::string text = paint("soak", Color::bold, stdout);
  text += fmt::format(", {} of {}, {} rounds, storms of {}{}\n", long_time(record.elapsed_ns),
                      long_time(head.duration_ns), rounds, long_time(record.turn_ns),
                      record.interrupted ? ", interrupted" : "");
  text += fmt::format("kernel {}, {}, {} vCPUs, commit {}, seed {}{}\n\n", head.context.kernel,
                      head.context.accel, head.context.vcpus, head.context.commit, head.seed,
                      head.context.gate ? ", gate on" : "");
  text += targets_text(record) + "\n" + quantities_text(judgement) + "\n";
  text += failures_text(head, record);
  if (passed(record, judgement))
    return text + "verdict: " + paint("pass", Color::green, stdout) +
           fmt::format(", {} lifecycles\n", record.lifecycles());
  return text + "verdict: " + paint("fail", Color::red, stdout) + ", " + why(record, judgement) +
         "\n";
}

json soak_json(const SoakHead& head, const SoakRecord& record, const Judgement& judgement) {
  json targets = json::object();
  for (const SoakedTarget& target : record.targets)
    targets[target.name] = {{"storms", target.turns},           {"failed", target.failed_turns},
                            {"lifecycles", target.lifecycles},  {"uses", target.uses},
                            {"user_failures", target.failures}, {"not_run", target.not_run}};
  json failed = json::array();
  for (const FailedTurn& turn : record.failed)
    failed.push_back({{"target", turn.target},
                      {"round", turn.round},
                      {"seed", turn.seed},
                      {"nr_broken", turn.findings},
                      {"first", turn.first},
                      {"repeat", repeat(head, record, turn)}});
  json quantities = json::object();
  for (const QuantityTrend& row : judgement.quantities) quantities[row.name] = trend_json(row);
  json caches = json::object();
  for (const QuantityTrend& row : judgement.caches) caches[row.name] = trend_json(row);
  return {{"schema", 1},
          {"verdict",
           {{"result", passed(record, judgement) ? "pass" : "fail"},
            {"why", passed(record, judgement) ? "" : why(record, judgement)}}},
          {"context",
           {{"kernel", head.context.kernel},
            {"accel", head.context.accel},
            {"vcpus", head.context.vcpus},
            {"commit", head.context.commit},
            {"gate", head.context.gate ? "on" : "off"},
            {"seed", head.seed},
            {"started", head.context.started},
            {"elapsed_ns", record.elapsed_ns},
            {"interrupted", record.interrupted}}},
          {"turn_ns", record.turn_ns},
          {"warm_up_rounds", judgement.warm_up_rounds},
          {"lifecycles", record.lifecycles()},
          {"targets", std::move(targets)},
          {"failed", std::move(failed)},
          {"quantities", std::move(quantities)},
          {"caches", std::move(caches)},
          {"moments", moments_json(record)}};
}

}  // namespace raceless
