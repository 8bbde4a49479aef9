// SPDX-License-Identifier: GPL-2.0
#include "storm/tally.h"

#include <cstring>

namespace raceless {

std::string_view count_name(Count count) {
  constexpr std::array<std::string_view, kCounts> kNames = {
      "uses",          "user_failures", "gets",          "get_failures", "waits",          "calls",
      "call_failures", "loads",         "load_failures", "unloads",      "unload_failures"};
  return kNames[static_cast<size_t>(count)];
}

std::string_view latency_name(Latency latency) {
  constexpr std::array<std::string_view, kLatencies> kNames = {
      "get_ns",    "reload_wait_ns",   "call_ns", "use_ns",   "use_failed_ns", "load_ns",
      "unload_ns", "delete_module_ns", "stop_ns", "grace_ns", "drain_ns",      "destroy_ns"};
  return kNames[static_cast<size_t>(latency)];
}

std::string_view breakdown_name(Breakdown breakdown) {
  constexpr std::array<std::string_view, kBreakdowns> kNames = {
      "get_failures_by_reason", "user_failures_by_errno", "user_failures_by_cause",
      "loads_by_outcome", "unloads_by_outcome"};
  return kNames[static_cast<size_t>(breakdown)];
}

std::string outcome_name(int error) {
  if (error == 0) return "ok";
  const char* name = strerrorname_np(error);
  return name ? name : "errno " + std::to_string(error);
}

void Tally::merge(const Tally& other) {
  for (size_t i = 0; i < kCounts; i++)
    counts_[i].fetch_add(other.counts_[i].load(std::memory_order_relaxed),
                         std::memory_order_relaxed);
  for (size_t i = 0; i < kLatencies; i++) histograms_[i].merge(other.histograms_[i]);
  for (size_t i = 0; i < kBreakdowns; i++)
    for (const auto& [key, number] : other.breakdowns_[i]) breakdowns_[i][key] += number;
}

Counts Tally::counts() const {
  Counts counts{};
  for (size_t i = 0; i < kCounts; i++) counts[i] = counts_[i].load(std::memory_order_relaxed);
  return counts;
}

}  // namespace raceless
