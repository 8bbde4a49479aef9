// SPDX-License-Identifier: GPL-2.0
// Numbers as tables for people.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "duration.h"
#include "printable.h"
#include "terminal.h"
#include "trace/numbers.h"

namespace raceless {

namespace {

// "12 ok, 3 EBUSY": what went well first.
std::string results_text(const Results& results) {
  std::string text;
  if (const auto ok = results.find("ok"); ok != results.end())
    text = fmt::format("{} ok", ok->second);
  for (const auto& [result, count] : results)
    if (result != "ok") text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, result);
  return text.empty() ? "-" : text;
}

// "12 ENODEV, 3 EAFNOSUPPORT"
std::string errors_text(const std::map<FailedCall, uint64_t>& calls) {
  Results errors;
  for (const auto& [call, count] : calls) errors[call.error] += count;
  return results_text(errors);
}

std::string count_text(uint64_t count) { return count == 0 ? "-" : std::to_string(count); }

std::string latency_text(const Histogram& histogram) {
  if (histogram.count() == 0) return "-";
  return fmt::format("{} / {}", format_duration(histogram.quantile(0.5)),
                     format_duration(histogram.max()));
}

std::string shown_name(const std::string& module) {
  return module.empty() ? "(no name)" : printable(module);
}

void add_latency(Table& table, const std::string& first, const std::string& second,
                 const Histogram& histogram) {
  if (histogram.count() == 0) return;
  table.row({first, second, std::to_string(histogram.count()),
             format_duration(histogram.quantile(0.5)), format_duration(histogram.quantile(0.99)),
             format_duration(histogram.max())});
}

std::string failed_gets_text(const Numbers& numbers) {
  Table table;
  table.row({"failed gets", "reason", "caller", "count"});
  bool any = false;
  const auto add = [&](const std::string& name, const std::map<FailedGet, uint64_t>& failed) {
    for (const auto& [get, count] : failed) {
      table.row({name, get.reason, printable(get.caller), std::to_string(count)});
      any = true;
    }
  };
  for (const auto& [name, module] : numbers.modules) add(shown_name(name), module.failed_gets);
  add("(registry)", numbers.registry_failed_gets);
  return any ? "\n" + table.text() : "";
}

std::string failed_calls_text(const Numbers& numbers) {
  Table table;
  table.row({"failed calls", "call", "error", "cause", "count"});
  bool any = false;
  for (const auto& [name, module] : numbers.modules)
    for (const auto& [call, count] : module.failed_calls) {
      table.row({shown_name(name), call.call, call.error, call.cause, std::to_string(count)});
      any = true;
    }
  return any ? "\n" + table.text() : "";
}

std::string latencies_text(const Numbers& numbers) {
  Table table;
  table.row({"latencies", "", "count", "p50", "p99", "max"});
  const std::string empty = table.text();
  for (const auto& [name, module] : numbers.modules) {
    add_latency(table, shown_name(name), "load", module.load_ns);
    add_latency(table, shown_name(name), "unload", module.unload_ns);
    for (const auto& [caller, histogram] : module.grace_ns)
      add_latency(table, shown_name(name), "RCU wait in " + printable(caller), histogram);
  }
  for (const auto& [name, histogram] : numbers.registry_histograms)
    add_latency(table, "(registry)", name.substr(0, name.rfind("_ns")), histogram);
  const std::string text = table.text();
  return text == empty ? "" : "\n" + text;
}

std::string registry_text(const Numbers& numbers) {
  if (!numbers.registry) return "";
  std::string text;
  for (const auto& [name, count] : numbers.registry_counters)
    if (count != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, count);
  return "\nregistry: " + (text.empty() ? "nothing happened" : text) + "\n";
}

}  // namespace

std::string drops_text(const Numbers& numbers) {
  constexpr std::array<std::pair<const char*, const char*>, 6> kTold = {{
      {"events", "events lost (their numbers are counted)"},
      {"keys", "not counted for want of room"},
      {"tasks", "calls not followed for want of room"},
      {"missed_runs", "missed by a program that was in use on that CPU"},
      {"stacks", "stacks not recorded"},
      {"maxima", "maxima that may be too low"},
  }};
  std::string text;
  for (const auto& [kind, told] : kTold) {
    const auto found = numbers.drops.find(kind);
    if (found == numbers.drops.end() || found->second == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", found->second, told);
  }
  return text.empty() ? "nothing lost" : text;
}

std::string table_text(const Numbers& numbers) {
  Table table;
  table.row({"module", "loads", "unloads", "failed gets", "failed calls", "load p50 / max",
             "unload p50 / max", "RCU waits p50 / max"});
  for (const auto& [name, module] : numbers.modules) {
    table.row({shown_name(name), results_text(module.loads), results_text(module.unloads),
               count_text(module.nr_failed_gets()), errors_text(module.failed_calls),
               latency_text(module.load_ns), latency_text(module.unload_ns),
               latency_text(module.all_grace_ns())});
  }
  return table.text();
}

std::string summary_text(const Numbers& numbers) {
  std::string text = numbers.modules.empty()
                         ? "no module was loaded, unloaded or asked for in vain\n"
                         : table_text(numbers);
  text += failed_gets_text(numbers) + failed_calls_text(numbers) + latencies_text(numbers) +
          registry_text(numbers);
  return text +
         fmt::format("\n{} requests for modules; {}\n", numbers.requests, drops_text(numbers));
}

}  // namespace raceless
