// SPDX-License-Identifier: GPL-2.0
// What a timeline viewer is given: the JSON is read back and looked at as a viewer does.
#include "timeline/timeline.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

namespace raceless {
namespace {

using nlohmann::json;

constexpr uint64_t kBegin = 1'000'000'000;

template <typename Record>
Record record(uint32_t type, uint64_t time_ns, const char* name) {
  Record made{};
  made.event = {type, 0, kBegin + time_ns};
  std::strncpy(made.name, name, sizeof(made.name) - 1);
  return made;
}

Event transition(uint64_t time_ns, uint64_t elapsed_ns, uint32_t from, uint32_t to) {
  auto made = record<raceless_event_transition>(RACELESS_EVENT_TRANSITION, time_ns, "codec");
  made.instance = 7;
  made.elapsed_ns = elapsed_ns;
  made.from = from;
  made.to = to;
  std::strcpy(made.owner, "raceless_sample_codec");
  return made;
}

Event module(uint32_t type, uint64_t time_ns, uint64_t elapsed_ns, uint32_t tid, int error = 0,
             const char* name = "codec_module") {
  auto made = record<raceless_event_module>(type, time_ns, name);
  made.elapsed_ns = elapsed_ns;
  made.tid = tid;
  made.error = error;
  std::strcpy(made.comm, "modprobe");
  return made;
}

// An instance from init to destroy, a consumer that waited for it, one that was refused.
Timeline example() {
  Timeline timeline;
  timeline.begin_ns = kBegin;
  timeline.end_ns = kBegin + 10'000;
  auto publish = record<raceless_event_publish>(RACELESS_EVENT_PUBLISH, 1100, "codec");
  publish.instance = 7;
  publish.publish = 3;
  publish.handed_off = 1;
  auto stop = record<raceless_event_stop>(RACELESS_EVENT_STOP, 5500, "codec");
  stop.instance = 7;
  stop.stop_ns = 400;
  auto wait = record<raceless_event_wait>(RACELESS_EVENT_WAIT, 1500, "codec");
  wait.instance = 7;
  wait.waited_ns = 1300;
  wait.tid = 101;
  auto failure = record<raceless_event_get_fail>(RACELESS_EVENT_GET_FAIL, 5200, "codec");
  failure.reason = RACELESS_REASON_UNLOADING;
  failure.error = -2;
  failure.tid = 101;
  timeline.events.steps = {transition(500, 0, RACELESS_GONE, RACELESS_LOADING),
                           transition(1000, 500, RACELESS_LOADING, RACELESS_LIVE),
                           publish,
                           wait,
                           transition(5000, 4000, RACELESS_LIVE, RACELESS_STOPPING),
                           stop,
                           transition(7000, 2000, RACELESS_STOPPING, RACELESS_DRAINING),
                           transition(8000, 1000, RACELESS_DRAINING, RACELESS_DESTROYING),
                           transition(9000, 1000, RACELESS_DESTROYING, RACELESS_GONE)};
  timeline.events.refusals = {failure};
  timeline.events.step_sampling = {9, 9, 1};
  timeline.events.refusal_sampling = {1, 1, 1};
  timeline.threads = {{"consumer-0", "use", 101, {{kBegin + 100, kBegin + 6000}}, {1, 1, 1}}};
  return timeline;
}

class Viewer {
 public:
  explicit Viewer(const Timeline& timeline)
      : file_(json::parse(timeline_text(timeline, "storm codec, seed 1"))) {
    for (const json& event : file_.at("traceEvents"))
      if (event.at("ph") == "M" && event.at("name").get<std::string>().ends_with("_name"))
        names_[{event.at("name") == "process_name", event.at("pid"), event.at("tid")}] =
            event.at("args").at("name");
  }

  [[nodiscard]] const json& about() const { return file_.at("otherData"); }

  // The events of a phase with their track, "provider codec/instances", in the order of the file.
  [[nodiscard]] std::vector<json> of(const char* phase, const std::string& track) const {
    std::vector<json> found;
    for (const json& event : file_.at("traceEvents"))
      if (event.at("ph") == phase && track_of(event) == track) found.push_back(event);
    return found;
  }

  [[nodiscard]] std::vector<std::string> names(const char* phase, const std::string& track) const {
    std::vector<std::string> found;
    for (const json& event : of(phase, track)) found.push_back(event.at("name"));
    return found;
  }

 private:
  [[nodiscard]] std::string track_of(const json& event) const {
    const auto name = [&](bool is_group, uint32_t track) {
      const auto found = names_.find({is_group, event.at("pid").get<uint32_t>(), track});
      return found == names_.end() ? "?" : found->second;
    };
    return name(true, 0) + "/" + name(false, event.at("tid").get<uint32_t>());
  }

  json file_;
  std::map<std::tuple<bool, uint32_t, uint32_t>, std::string> names_;
};

using Names = std::vector<std::string>;

TEST(Timeline, AnInstanceHasItsPhasesOneAfterTheOther) {
  const Viewer viewer(example());
  const std::vector<json> slices = viewer.of("X", "provider codec/instances");
  EXPECT_EQ(viewer.names("X", "provider codec/instances"),
            (Names{"instance 7", "init", "live", "stop", "grace period", "drain", "destroy"}));
  double at = slices[0].at("ts");
  EXPECT_DOUBLE_EQ(slices[0].at("dur"), 8.5);
  for (size_t i = 1; i < slices.size(); i++) {
    EXPECT_NEAR(slices[i].at("ts").get<double>(), at, 1e-9) << slices[i];
    at = slices[i].at("ts").get<double>() + slices[i].at("dur").get<double>();
  }
  EXPECT_DOUBLE_EQ(slices[3].at("dur"), 0.5);
  EXPECT_DOUBLE_EQ(slices[4].at("dur"), 1.5);
  EXPECT_EQ(slices[0].at("args").at("module"), "raceless_sample_codec");
}

TEST(Timeline, AWaitPointsToThePublishThatEndedIt) {
  const Viewer viewer(example());
  EXPECT_EQ(viewer.names("X", "storm/consumer-0"), (Names{"use", "wait"}));
  const auto starts = viewer.of("s", "storm/consumer-0");
  const auto ends = viewer.of("f", "provider codec/instances");
  ASSERT_EQ(starts.size(), 1U);
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_EQ(starts[0].at("id"), ends[0].at("id"));
  EXPECT_DOUBLE_EQ(starts[0].at("ts"), 0.2);
  EXPECT_DOUBLE_EQ(ends[0].at("ts"), 1.1);
  EXPECT_EQ(viewer.names("i", "provider codec/instances"), Names{"publish 3"});
}

// Of an instance that was published in a window that was kept, and unloaded in one that was not.
TEST(Timeline, APublishAloneIsEnoughForAnArrow) {
  Timeline timeline = example();
  timeline.events.steps = {timeline.events.steps[2], timeline.events.steps[3]};
  timeline.events.step_sampling = {9, 2, 4};
  const Viewer viewer(timeline);
  EXPECT_EQ(viewer.of("s", "storm/consumer-0").size(), 1U);
  EXPECT_EQ(viewer.names("X", "provider codec/instances"), (Names{"instance 7", "live"}));
}

TEST(Timeline, AWaitWithoutItsPublishHasNoArrow) {
  Timeline timeline = example();
  timeline.events.steps = {timeline.events.steps[3]};
  const Viewer viewer(timeline);
  EXPECT_EQ(viewer.names("X", "storm/consumer-0"), (Names{"use", "wait"}));
  EXPECT_TRUE(viewer.of("s", "storm/consumer-0").empty());
}

TEST(Timeline, AFailedGetIsAnInstant) {
  const Viewer viewer(example());
  const auto instants = viewer.of("i", "storm/consumer-0");
  ASSERT_EQ(instants.size(), 1U);
  EXPECT_EQ(instants[0].at("name"), "get failed: unloading");
  EXPECT_DOUBLE_EQ(instants[0].at("ts"), 5.2);
}

TEST(Timeline, WhatHasNotEndedLastsUntilTheEnd) {
  Timeline timeline = example();
  timeline.events.steps.resize(3);
  EXPECT_EQ(Viewer(timeline).names("X", "provider codec/instances"),
            (Names{"instance 7", "init", "live"}));
  // Unless its end may have been in a window that was not kept.
  timeline.events.step_sampling.stride = 2;
  EXPECT_EQ(Viewer(timeline).names("X", "provider codec/instances"), (Names{"instance 7", "init"}));
}

TEST(Timeline, AModuleHasItsLifeAndWhoLoadedItATrack) {
  Timeline timeline = example();
  timeline.events.steps = {module(RACELESS_EVENT_MODULE_LOAD, 1000, 0, 500),
                           module(RACELESS_EVENT_MODULE_LOADED, 2000, 1500, 500),
                           module(RACELESS_EVENT_MODULE_FREE, 4000, 0, 101),
                           module(RACELESS_EVENT_MODULE_UNLOADED, 4500, 1500, 101)};
  const Viewer viewer(timeline);
  EXPECT_EQ(viewer.names("X", "modules/codec_module"),
            (Names{"loaded", "load: init", "live", "unload: exit", "unload: free"}));
  EXPECT_EQ(viewer.names("X", "other processes/modprobe"), Names{"init_module"});
  EXPECT_EQ(viewer.names("X", "storm/consumer-0"), (Names{"use", "delete_module"}));
}

TEST(Timeline, CallsAtOnceAreOnTracksOfTheirOwn) {
  Timeline timeline = example();
  timeline.events.refusals = {module(RACELESS_EVENT_MODULE_LOADED, 2000, 1500, 500, -16),
                              module(RACELESS_EVENT_MODULE_LOADED, 2500, 1500, 501, -16),
                              module(RACELESS_EVENT_MODULE_LOADED, 4000, 1500, 502, -17)};
  const Viewer viewer(timeline);
  EXPECT_EQ(viewer.names("X", "other processes/modprobe"),
            (Names{"init_module EBUSY", "init_module EEXIST"}));
  EXPECT_EQ(viewer.names("X", "other processes/modprobe (2)"), Names{"init_module EBUSY"});
}

TEST(Timeline, SaysWhatWasKeptAndWhatWasLost) {
  Timeline timeline = example();
  timeline.events.step_sampling = {900, 9, 64};
  timeline.lost_events = 5;
  const Viewer viewer(timeline);
  EXPECT_EQ(viewer.about().at("steps").at("seen"), 900);
  EXPECT_EQ(viewer.about().at("steps").at("kept"), 9);
  EXPECT_EQ(viewer.about().at("steps").at("one_window_of"), 64);
  EXPECT_EQ(viewer.about().at("lost_events"), 5);
  const std::string shown = json(viewer.names("X", "storm codec, seed 1/recorded")).dump();
  EXPECT_NE(shown.find("9 of 900, one window of 20 ms in 64"), std::string::npos) << shown;
  EXPECT_NE(shown.find("lost by the ring buffer: 5"), std::string::npos) << shown;
}

TEST(Timeline, NamesAreTextWhateverTheyHold) {
  Timeline timeline = example();
  timeline.events.steps = {
      module(RACELESS_EVENT_MODULE_LOAD, 1000, 0, 500, 0, "\"}]<script>\\"),
      module(RACELESS_EVENT_MODULE_LOADED, 2000, 1500, 500, 0, "\"}]<script>\\"),
      module(RACELESS_EVENT_MODULE_LOAD, 3000, 0, 500, 0, "\xff\xfe")};
  const Viewer viewer(timeline);
  EXPECT_EQ(viewer.names("X", "modules/\"}]<script>\\"), (Names{"loaded", "load: init", "live"}));
}

TEST(Timeline, WithoutEventsThereAreTheThreads) {
  Timeline timeline = example();
  timeline.events = {};
  EXPECT_EQ(Viewer(timeline).names("X", "storm/consumer-0"), Names{"use"});
}

}  // namespace
}  // namespace raceless
