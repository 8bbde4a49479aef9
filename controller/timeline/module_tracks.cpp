// SPDX-License-Identifier: GPL-2.0
#include "timeline/module_tracks.h"

#include <map>
#include <optional>

namespace raceless {

namespace {

using ModuleEvent = raceless_event_module;

// One name is on the module list once, so that the events of a module are one life after another.
class ModuleTrack {
 public:
  ModuleTrack(TraceFile& file, const Track& track) : file_(file), track_(track) {}

  void add(const ModuleEvent& event) {
    const uint64_t now_ns = event.event.time_ns;
    switch (event.event.type) {
      case RACELESS_EVENT_MODULE_LOAD:
        load_ = event;
        ready_ns_ = freed_ns_ = 0;
        break;
      case RACELESS_EVENT_MODULE_LOADED:
        if (load_ && load_->tid == event.tid) ready_ns_ = now_ns;
        break;
      case RACELESS_EVENT_MODULE_FREE:
        freed_ns_ = now_ns;
        break;
      case RACELESS_EVENT_MODULE_UNLOADED:
        if (load_ && event.error == 0) unloaded(event);
        break;
      default:
        break;
    }
  }

  // Of a module that is there still.
  void end(uint64_t end_ns) {
    if (load_ && freed_ns_ == 0) draw(end_ns, end_ns, end_ns);
  }

 private:
  void unloaded(const ModuleEvent& event) {
    const uint64_t end_ns = event.event.time_ns;
    draw(end_ns - event.elapsed_ns, freed_ns_ == 0 ? end_ns : freed_ns_, end_ns);
    load_.reset();
  }

  void draw(uint64_t unload_ns, uint64_t exited_ns, uint64_t end_ns) {
    const uint64_t begin_ns = load_->event.time_ns;
    const uint64_t ready_ns = ready_ns_ == 0 ? begin_ns : ready_ns_;
    if (begin_ns > ready_ns || ready_ns > unload_ns || unload_ns > exited_ns || exited_ns > end_ns)
      return;  // the parts are of different lives: between two windows
    file_.slice(track_, "loaded", begin_ns, end_ns, {{"by", load_->comm}});
    if (ready_ns_ != 0) file_.slice(track_, "load: init", begin_ns, ready_ns);
    file_.slice(track_, "live", ready_ns, unload_ns);
    if (unload_ns != exited_ns) file_.slice(track_, "unload: exit", unload_ns, exited_ns);
    if (exited_ns != end_ns) file_.slice(track_, "unload: free", exited_ns, end_ns);
  }

  TraceFile& file_;
  Track track_;
  std::optional<ModuleEvent> load_;
  uint64_t ready_ns_ = 0;
  uint64_t freed_ns_ = 0;
};

}  // namespace

void draw_modules(const Timeline& timeline, uint32_t group, TraceFile& file) {
  std::map<std::string, ModuleTrack> tracks;
  for (const Event& step : timeline.events.steps) {
    const auto* event = std::get_if<ModuleEvent>(&step);
    if (event == nullptr || event->event.type == RACELESS_EVENT_MODULE_REQUEST ||
        event->name[0] == '\0')
      continue;
    const Track track{group, static_cast<uint32_t>(tracks.size())};
    const auto [found, is_new] = tracks.try_emplace(event->name, file, track);
    if (is_new) {
      if (tracks.size() == 1) file.name_group(group, "modules");
      file.name_track(track, event->name);
    }
    found->second.add(*event);
  }
  if (timeline.events.step_sampling.stride != 1) return;
  for (auto& [name, track] : tracks) track.end(timeline.end_ns);
}

}  // namespace raceless
