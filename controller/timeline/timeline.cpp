// SPDX-License-Identifier: GPL-2.0
#include "timeline/timeline.h"

#include <fmt/format.h>

#include <algorithm>

#include "timeline/instance_tracks.h"
#include "timeline/module_tracks.h"
#include "timeline/thread_tracks.h"
#include "timeline/trace_file.h"

namespace raceless {

namespace {

// In this order on the screen.
constexpr uint32_t kAboutGroup = 1;
constexpr uint32_t kStormGroup = 2;
constexpr uint32_t kOthersGroup = 3;
constexpr uint32_t kModulesGroup = 4;
constexpr uint32_t kFirstProvider = 5;

nlohmann::json sampling_json(const Sampling& sampling) {
  return {{"seen", sampling.seen},
          {"kept", sampling.kept},
          {"one_window_of", sampling.stride},
          {"window_ms", kWindowNs / kNsPerMs}};
}

std::string describe(const char* what, const Sampling& sampling) {
  std::string kept = fmt::format("{}: {} of {}", what, sampling.kept, sampling.seen);
  if (sampling.stride == 1) return kept;
  return fmt::format("{}, one window of {} ms in {}", kept, kWindowNs / kNsPerMs, sampling.stride);
}

Sampling sum(const std::vector<ThreadRecord>& threads) {
  Sampling all;
  for (const ThreadRecord& thread : threads) {
    all.seen += thread.sampling.seen;
    all.kept += thread.sampling.kept;
    all.stride = std::max(all.stride, thread.sampling.stride);
  }
  return all;
}

// Said where it is seen: a gap may be one of the record.
void draw_about(const Timeline& timeline, const std::string& title, TraceFile& file) {
  file.name_group(kAboutGroup, title);
  const std::vector<std::string> lines = {
      describe("instances, modules, waits", timeline.events.step_sampling),
      describe("refusals", timeline.events.refusal_sampling),
      describe("operations of the storm's threads", sum(timeline.threads)),
      fmt::format("lost by the ring buffer: {}", timeline.lost_events)};
  for (size_t i = 0; i < lines.size(); i++) {
    const Track track{kAboutGroup, static_cast<uint32_t>(i)};
    file.name_track(track, "recorded");
    file.slice(track, lines[i], timeline.begin_ns, timeline.end_ns);
  }
}

}  // namespace

bool is_refusal(const Event& event) {
  if (const auto* module = std::get_if<raceless_event_module>(&event))
    return module->error != 0 || module->event.type == RACELESS_EVENT_MODULE_GET_FAIL;
  return std::holds_alternative<raceless_event_get_fail>(event);
}

std::string timeline_text(const Timeline& timeline, const std::string& title) {
  TraceFile file(timeline.begin_ns);
  draw_about(timeline, title, file);
  InstanceTracks instances(timeline, kFirstProvider);
  instances.draw(file);
  draw_modules(timeline, kModulesGroup, file);
  draw_threads(timeline, kStormGroup, kOthersGroup, instances, file);
  return file.text({{"title", title},
                    {"steps", sampling_json(timeline.events.step_sampling)},
                    {"refusals", sampling_json(timeline.events.refusal_sampling)},
                    {"operations", sampling_json(sum(timeline.threads))},
                    {"lost_events", timeline.lost_events}});
}

}  // namespace raceless
