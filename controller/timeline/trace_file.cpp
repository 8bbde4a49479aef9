// SPDX-License-Identifier: GPL-2.0
#include "timeline/trace_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "clock.h"

namespace raceless {

namespace {

using nlohmann::json;

// A module may be called what it likes.
std::string json_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Microseconds, to the nanosecond.
std::string micros(uint64_t ns) { return fmt::format("{}.{:03}", ns / kNsPerUs, ns % kNsPerUs); }

std::string arguments_text(const json& arguments) {
  return arguments.empty() ? "" : ",\"args\":" + json_text(arguments);
}

}  // namespace

void TraceFile::add_name(const char* kind, const Track& track, const std::string& name) {
  names_.push_back(fmt::format(R"({{"ph":"M","name":"{}","pid":{},"tid":{},"args":{{"name":{}}}}})",
                               kind, track.group, track.track, json_text(name)));
}

void TraceFile::add_order(const char* kind, const Track& track, uint32_t order) {
  names_.push_back(
      fmt::format(R"({{"ph":"M","name":"{}","pid":{},"tid":{},"args":{{"sort_index":{}}}}})", kind,
                  track.group, track.track, order));
}

void TraceFile::name_group(uint32_t group, const std::string& name) {
  add_name("process_name", {group, 0}, name);
  add_order("process_sort_index", {group, 0}, group);
}

void TraceFile::name_track(const Track& track, const std::string& name) {
  add_name("thread_name", track, name);
  add_order("thread_sort_index", track, track.track);
}

void TraceFile::add(const char* phase, const Track& track, const std::string& name,
                    uint64_t time_ns, uint64_t duration_ns, const std::string& more) {
  const uint64_t since_ns = std::max(time_ns, origin_ns_) - origin_ns_;
  lines_.push_back(
      {since_ns, duration_ns,
       fmt::format(R"({{"ph":"{}","name":{},"pid":{},"tid":{},"ts":{}{}}})", phase, json_text(name),
                   track.group, track.track, micros(since_ns), more)});
}

void TraceFile::slice(const Track& track, const std::string& name, uint64_t begin_ns,
                      uint64_t end_ns, const json& arguments) {
  begin_ns = std::max(begin_ns, origin_ns_);
  if (end_ns < begin_ns) return;
  const uint64_t duration_ns = end_ns - begin_ns;
  add("X", track, name, begin_ns, duration_ns,
      ",\"dur\":" + micros(duration_ns) + arguments_text(arguments));
}

void TraceFile::instant(const Track& track, const std::string& name, uint64_t time_ns,
                        const json& arguments) {
  add("i", track, name, time_ns, 0, ",\"s\":\"t\"" + arguments_text(arguments));
}

void TraceFile::arrow(const std::string& name, const Track& from, uint64_t from_ns, const Track& to,
                      uint64_t to_ns) {
  const std::string id = fmt::format(",\"cat\":\"arrow\",\"id\":{}", ++nr_arrows_);
  add("s", from, name, from_ns, 0, id);
  add("f", to, name, to_ns, 0, id + ",\"bp\":\"e\"");
}

std::string TraceFile::text(const json& about) {
  // What encloses comes before what it encloses.
  std::ranges::stable_sort(lines_, [](const Line& left, const Line& right) {
    return left.begin_ns != right.begin_ns ? left.begin_ns < right.begin_ns
                                           : left.duration_ns > right.duration_ns;
  });
  std::string text =
      "{\"displayTimeUnit\":\"ms\",\"otherData\":" + json_text(about) + ",\n\"traceEvents\":[\n";
  const char* separator = "";
  for (const std::string& name : names_) {
    text.append(separator).append(name);
    separator = ",\n";
  }
  for (const Line& line : lines_) {
    text.append(separator).append(line.text);
    separator = ",\n";
  }
  return text + "\n]}\n";
}

}  // namespace raceless
