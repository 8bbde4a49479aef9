// SPDX-License-Identifier: GPL-2.0
// What a timeline shows of each name: its instances from init to destroy, its publishes, its
// flights.
#ifndef RACELESS_CONTROLLER_TIMELINE_INSTANCE_TRACKS_H
#define RACELESS_CONTROLLER_TIMELINE_INSTANCE_TRACKS_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "timeline/timeline.h"
#include "timeline/trace_file.h"

namespace raceless {

// A point on a track.
struct Place {
  Track track;
  uint64_t time_ns = 0;
};

class InstanceTracks {
 public:
  // Of the steps; groups are numbered from `first_group` on.
  InstanceTracks(const Timeline& timeline, uint32_t first_group);

  void draw(TraceFile& file);
  // Where an instance was published; none if that was not recorded.
  [[nodiscard]] std::optional<Place> publish(uint64_t instance) const;
  [[nodiscard]] uint32_t next_group() const { return next_group_; }

 private:
  // A state that an instance was in.
  struct Phase {
    uint32_t state = 0;
    uint64_t begin_ns = 0;
    uint64_t end_ns = 0;
  };
  struct Instance {
    std::string owner;
    std::vector<Phase> phases;
    std::optional<raceless_event_stop> stop;
    std::optional<raceless_event_grace_period> grace;
    std::optional<raceless_event_publish> publish;
    std::optional<raceless_event_transition> last;
    uint32_t lane = 0;
  };
  struct Name {
    uint32_t group = 0;
    std::map<uint64_t, Instance> instances;
    std::vector<raceless_event_flight_end> flights;
    std::vector<raceless_event_broken> broken;
    uint32_t nr_lanes = 0;
  };

  void add(const raceless_event_transition& event);
  void end_what_is_left(uint64_t end_ns);
  void place(Name& name);
  void draw_name(TraceFile& file, const std::string& text, const Name& name) const;
  static void draw_instance(TraceFile& file, const Track& track, uint64_t number,
                            const Instance& instance);
  static void draw_stopping(TraceFile& file, const Track& track, const Phase& phase,
                            const Instance& instance);

  std::map<std::string, Name> names_;
  std::map<uint64_t, Place> publishes_;
  uint32_t next_group_;
};

}  // namespace raceless

#endif
