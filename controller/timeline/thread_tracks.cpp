// SPDX-License-Identifier: GPL-2.0
#include "timeline/thread_tracks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "device.h"
#include "storm/tally.h"
#include "timeline/lanes.h"

namespace raceless {

namespace {

using ModuleEvent = raceless_event_module;

uint64_t begin_of(const ModuleEvent& call) { return call.event.time_ns - call.elapsed_ns; }

bool is_call(const ModuleEvent& event) {
  return event.event.type == RACELESS_EVENT_MODULE_LOADED ||
         event.event.type == RACELESS_EVENT_MODULE_UNLOADED;
}

void draw_call(TraceFile& file, const Track& track, const ModuleEvent& call) {
  const bool is_load = call.event.type == RACELESS_EVENT_MODULE_LOADED;
  std::string name = is_load ? "init_module" : "delete_module";
  if (call.error != 0) name += " " + outcome_name(-call.error);
  file.slice(track, name, begin_of(call), call.event.time_ns, {{"module", call.name}});
}

class ThreadTracks {
 public:
  ThreadTracks(const Timeline& timeline, uint32_t storm_group, uint32_t others_group,
               const InstanceTracks& instances, TraceFile& file)
      : timeline_(timeline),
        storm_group_(storm_group),
        others_group_(others_group),
        instances_(instances),
        file_(file) {}

  void draw() {
    draw_storm();
    for (const auto* events : {&timeline_.events.steps, &timeline_.events.refusals})
      for (const Event& event : *events)
        std::visit([this](const auto& record) { add(record); }, event);
    draw_others();
  }

 private:
  void draw_storm() {
    file_.name_group(storm_group_, "storm");
    for (const ThreadRecord& thread : timeline_.threads) {
      const Track track{storm_group_, static_cast<uint32_t>(tracks_.size())};
      tracks_[thread.tid] = track;
      file_.name_track(track, thread.name);
      for (const Operation& operation : thread.operations)
        file_.slice(track, thread.operation, operation.begin_ns, operation.end_ns);
    }
  }

  // Those that no thread of ours did are laid out at the end, when all are known.
  void add(const ModuleEvent& event) {
    const auto track = tracks_.find(static_cast<pid_t>(event.tid));
    if (is_call(event)) {
      if (track == tracks_.end())
        others_[event.comm].push_back(event);
      else
        draw_call(file_, track->second, event);
    } else if (track != tracks_.end() && event.event.type == RACELESS_EVENT_MODULE_GET_FAIL) {
      file_.instant(track->second, "try_module_get failed", event.event.time_ns,
                    {{"module", event.name}});
    } else if (track != tracks_.end() && event.event.type == RACELESS_EVENT_MODULE_REQUEST) {
      file_.instant(track->second, "request_module", event.event.time_ns, {{"alias", event.name}});
    }
  }

  void add(const raceless_event_wait& wait) {
    const auto track = tracks_.find(static_cast<pid_t>(wait.tid));
    if (track == tracks_.end()) return;
    const uint64_t begin_ns = wait.event.time_ns - wait.waited_ns;
    file_.slice(track->second, wait.error == 0 ? "wait" : "wait, failed", begin_ns,
                wait.event.time_ns,
                {{"name", wait.name}, {"instance", wait.instance}, {"error", wait.error}});
    const auto publish = instances_.publish(wait.instance);
    if (publish && wait.error == 0)
      file_.arrow("served", track->second, begin_ns, publish->track, publish->time_ns);
  }

  void add(const raceless_event_get_fail& failure) {
    const auto track = tracks_.find(static_cast<pid_t>(failure.tid));
    if (track == tracks_.end()) return;
    file_.instant(track->second, std::string("get failed: ") + reason_name(failure.reason),
                  failure.event.time_ns, {{"name", failure.name}, {"error", failure.error}});
  }

  // The rest is shown with the instances.
  template <typename Other>
  void add(const Other& /*unused*/) {}

  // Each load by request is a process of its own: those that overlap are on several tracks.
  void draw_others() {
    uint32_t next = 0;
    if (!others_.empty()) file_.name_group(others_group_, "other processes");
    for (auto& [comm, calls] : others_) {
      std::ranges::stable_sort(calls, {}, begin_of);
      Lanes lanes;
      for (const ModuleEvent& call : calls) {
        const auto lane = static_cast<uint32_t>(lanes.place(begin_of(call), call.event.time_ns));
        draw_call(file_, {others_group_, next + lane}, call);
      }
      for (size_t lane = 0; lane < lanes.count(); lane++)
        file_.name_track({others_group_, next + static_cast<uint32_t>(lane)},
                         lane == 0 ? comm : fmt::format("{} ({})", comm, lane + 1));
      next += static_cast<uint32_t>(lanes.count());
    }
  }

  const Timeline& timeline_;
  uint32_t storm_group_;
  uint32_t others_group_;
  const InstanceTracks& instances_;
  TraceFile& file_;
  std::map<pid_t, Track> tracks_;
  std::map<std::string, std::vector<ModuleEvent>> others_;
};

}  // namespace

void draw_threads(const Timeline& timeline, uint32_t storm_group, uint32_t others_group,
                  const InstanceTracks& instances, TraceFile& file) {
  ThreadTracks(timeline, storm_group, others_group, instances, file).draw();
}

}  // namespace raceless
