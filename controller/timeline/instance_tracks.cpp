// SPDX-License-Identifier: GPL-2.0
#include "timeline/instance_tracks.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "clock.h"
#include "device.h"
#include "timeline/lanes.h"

namespace raceless {

namespace {

// Of a publish whose instance was not recorded otherwise, so that an arrow has an end.
constexpr uint64_t kMarkNs = kNsPerUs;

const char* phase_name(uint32_t state) {
  switch (state) {
    case RACELESS_LOADING:
      return "init";
    case RACELESS_LIVE:
      return "live";
    case RACELESS_DRAINING:
      return "drain";
    case RACELESS_DESTROYING:
      return "destroy";
    default:
      return state_name(state);
  }
}

}  // namespace

InstanceTracks::InstanceTracks(const Timeline& timeline, uint32_t first_group)
    : next_group_(first_group) {
  for (const Event& event : timeline.events.steps) {
    std::visit(
        [this](const auto& record) {
          using Record = std::decay_t<decltype(record)>;
          if constexpr (std::is_same_v<Record, raceless_event_transition>) {
            add(record);
          } else if constexpr (std::is_same_v<Record, raceless_event_stop>) {
            names_[record.name].instances[record.instance].stop = record;
          } else if constexpr (std::is_same_v<Record, raceless_event_grace_period>) {
            names_[record.name].instances[record.instance].grace = record;
          } else if constexpr (std::is_same_v<Record, raceless_event_publish>) {
            names_[record.name].instances[record.instance].publish = record;
          } else if constexpr (std::is_same_v<Record, raceless_event_flight_end>) {
            names_[record.name].flights.push_back(record);
          } else if constexpr (std::is_same_v<Record, raceless_event_broken>) {
            names_[record.name].broken.push_back(record);
          }
        },
        event);
  }
  // Between two windows it may have gone on to anything.
  if (timeline.events.step_sampling.stride == 1) end_what_is_left(timeline.end_ns);
  for (auto& [text, name] : names_) {
    name.group = next_group_++;
    place(name);
  }
}

void InstanceTracks::add(const raceless_event_transition& event) {
  Instance& instance = names_[event.name].instances[event.instance];
  instance.owner = event.owner;
  instance.last = event;
  if (event.from != RACELESS_GONE)
    instance.phases.push_back(
        {event.from, event.event.time_ns - event.elapsed_ns, event.event.time_ns});
}

void InstanceTracks::end_what_is_left(uint64_t end_ns) {
  for (auto& [text, name] : names_)
    for (auto& [number, instance] : name.instances)
      if (instance.last && instance.last->to != RACELESS_GONE)
        instance.phases.push_back({instance.last->to, instance.last->event.time_ns, end_ns});
}

// Two instances of a name overlap while one takes the place of the other side by side.
void InstanceTracks::place(Name& name) {
  std::vector<Instance*> instances;
  for (auto& [number, instance] : name.instances) {
    std::ranges::sort(instance.phases, {}, &Phase::begin_ns);
    if (instance.phases.empty() && instance.publish)
      instance.phases.push_back({RACELESS_LIVE, instance.publish->event.time_ns,
                                 instance.publish->event.time_ns + kMarkNs});
    if (!instance.phases.empty()) instances.push_back(&instance);
  }
  std::ranges::stable_sort(
      instances, {}, [](const Instance* instance) { return instance->phases.front().begin_ns; });
  Lanes lanes;
  for (Instance* instance : instances)
    instance->lane = static_cast<uint32_t>(
        lanes.place(instance->phases.front().begin_ns, instance->phases.back().end_ns));
  name.nr_lanes = static_cast<uint32_t>(lanes.count());
  for (const auto& [number, instance] : name.instances)
    if (instance.publish && !instance.phases.empty())
      publishes_[number] = {{name.group, instance.lane}, instance.publish->event.time_ns};
}

std::optional<Place> InstanceTracks::publish(uint64_t instance) const {
  const auto found = publishes_.find(instance);
  return found == publishes_.end() ? std::nullopt : std::optional(found->second);
}

void InstanceTracks::draw(TraceFile& file) {
  for (const auto& [text, name] : names_) draw_name(file, text, name);
}

void InstanceTracks::draw_name(TraceFile& file, const std::string& text, const Name& name) const {
  file.name_group(name.group, "provider " + text);
  for (uint32_t lane = 0; lane < name.nr_lanes; lane++)
    file.name_track({name.group, lane},
                    lane == 0 ? "instances" : fmt::format("instances beside ({})", lane));
  const Track flights{name.group, name.nr_lanes};
  file.name_track(flights, "flights");
  for (const auto& [number, instance] : name.instances)
    draw_instance(file, {name.group, instance.lane}, number, instance);
  for (const raceless_event_flight_end& flight : name.flights)
    file.slice(
        flights, flight.in_place ? "flight, in place" : "flight, modprobe",
        flight.event.time_ns - flight.flight_ns, flight.event.time_ns,
        {{"error", flight.error}, {"modprobes", flight.tries}, {"failed waiters", flight.failed}});
  for (const raceless_event_broken& broken : name.broken)
    file.instant({name.group, 0}, fmt::format("broken promise {}", broken.promise),
                 broken.event.time_ns, {{"instance", broken.instance}});
}

void InstanceTracks::draw_instance(TraceFile& file, const Track& track, uint64_t number,
                                   const Instance& instance) {
  if (instance.phases.empty()) return;
  file.slice(track, fmt::format("instance {}", number), instance.phases.front().begin_ns,
             instance.phases.back().end_ns, {{"module", instance.owner}});
  for (const Phase& phase : instance.phases) {
    if (phase.state == RACELESS_STOPPING)
      draw_stopping(file, track, phase, instance);
    else
      file.slice(track, phase_name(phase.state), phase.begin_ns, phase.end_ns);
  }
  if (instance.publish)
    file.instant(track, fmt::format("publish {}", instance.publish->publish),
                 instance.publish->event.time_ns, {{"handed off", instance.publish->handed_off}});
}

// STOPPING is stop and grace period together. Of instances that are stopped together each waits for
// the stops of the others, too.
void InstanceTracks::draw_stopping(TraceFile& file, const Track& track, const Phase& phase,
                                   const Instance& instance) {
  if (!instance.stop) return file.slice(track, "stop, grace period", phase.begin_ns, phase.end_ns);
  const uint64_t stopped_ns =
      std::clamp<uint64_t>(instance.stop->event.time_ns, phase.begin_ns, phase.end_ns);
  file.slice(track, "stop", phase.begin_ns, stopped_ns, {{"stop_ns", instance.stop->stop_ns}});
  nlohmann::json about;
  if (instance.grace)
    about = {{"grace_ns", instance.grace->grace_ns},
             {"expedited", instance.grace->expedited != 0},
             {"instances", instance.grace->instances}};
  file.slice(track, "grace period", stopped_ns, phase.end_ns, about);
}

}  // namespace raceless
