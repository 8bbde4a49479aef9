// SPDX-License-Identifier: GPL-2.0
#include "trace/event_view.h"

#include <gtest/gtest.h>

#include <cstring>

#include "../../bpf/counters.h"

namespace raceless {
namespace {

template <typename Record>
Record record_of(uint32_t type, const char* name) {
  Record record{};
  record.event = {type, 3, 2'500'000'000};
  std::strcpy(record.name, name);
  return record;
}

raceless_event_module module_event(uint32_t type, const char* name) {
  auto record = record_of<raceless_event_module>(type, name);
  record.stack = -1;
  record.tid = 42;
  std::strcpy(record.comm, "modprobe");
  return record;
}

EventView view(bool with_stacks = false, std::vector<std::string> watched = {}) {
  EventView::Naming naming;
  naming.stack = [](int32_t) { return std::vector<uint64_t>{1, 2}; };
  naming.caller = [](const auto&) { return "sock_create"; };
  naming.frames = [](const auto&) { return std::vector<std::string>{"try_module_get+0x5"}; };
  naming.module_of = [](const std::string& name) {
    return name == "fs-configfs" ? "configfs" : name;
  };
  return {naming, with_stacks, std::move(watched), 1'000'000'000, {"known"}};
}

std::string text_of(const Event& event) { return event_text(view().json(event)); }

TEST(EventView, ALoadSaysWhatItReturned) {
  auto record = module_event(RACELESS_EVENT_MODULE_LOADED, "dummy");
  record.error = -EBUSY;
  record.elapsed_ns = 5'200'000;
  const auto json = view().json(record);
  EXPECT_EQ(json.at("type"), "module_loaded");
  EXPECT_EQ(json.at("time"), 1.5);
  EXPECT_EQ(json.at("result"), "EBUSY");
  EXPECT_EQ(json.at("elapsed_ns"), 5'200'000);
  EXPECT_EQ(json.at("tid"), 42);
  const std::string text = event_text(json);
  EXPECT_NE(text.find("    1.500000  module_loaded    dummy             EBUSY, 5.20 ms "),
            std::string::npos)
      << text;
  EXPECT_TRUE(text.ends_with("modprobe[42]")) << text;
  record.name[0] = '\0';
  EXPECT_NE(text_of(record).find("(no name)"), std::string::npos);
}

TEST(EventView, AFailedGetHasReasonAndCallerAndItsStackIfAsked) {
  auto record = module_event(RACELESS_EVENT_MODULE_GET_FAIL, "kcm");
  record.stack = 7;
  record.reason = RACELESS_MODULE_GET_GOING;
  const auto json = view().json(record);
  EXPECT_EQ(json.at("reason"), "going");
  EXPECT_EQ(json.at("caller"), "sock_create");
  EXPECT_FALSE(json.contains("stack"));
  EXPECT_NE(event_text(json).find("going, in sock_create"), std::string::npos);
  const auto with = view(true).json(record);
  EXPECT_EQ(with.at("stack").at(0), "try_module_get+0x5");
  EXPECT_NE(event_text(with).find("\n                try_module_get+0x5"), std::string::npos);
  record.stack = -1;
  EXPECT_FALSE(view(true).json(record).contains("caller"));
}

TEST(EventView, AStackIsNamedOnceUnlessANameIsMissing) {
  int named = 0;
  std::string caller = "0xffffffffc0001000";
  EventView::Naming naming;
  naming.stack = [](int32_t) { return std::vector<uint64_t>{1}; };
  naming.caller = [&](const auto&) {
    named++;
    return caller;
  };
  EventView some(naming, false, {}, 0, {});
  auto record = module_event(RACELESS_EVENT_MODULE_GET_FAIL, "kcm");
  record.stack = 7;
  EXPECT_EQ(some.json(record).at("caller"), caller);
  caller = "sock_create";
  EXPECT_EQ(some.json(record).at("caller"), caller);
  EXPECT_EQ(some.json(record).at("caller"), caller);
  EXPECT_EQ(named, 2);
  record.stack = 8;
  EXPECT_EQ(some.json(record).at("caller"), caller);
  EXPECT_EQ(named, 3);
}

TEST(EventView, AFailedCallSaysWhyAndWhichModule) {
  auto record = record_of<raceless_event_call>(RACELESS_EVENT_CALL_FAIL, "fs-configfs");
  record.call = 165;
  record.error = -ENODEV;
  record.cause = RACELESS_CAUSE_UNLOADED_AGAIN;
  const auto json = view().json(record);
  EXPECT_EQ(json.at("call"), "mount");
  EXPECT_EQ(json.at("error"), "ENODEV");
  EXPECT_EQ(json.at("cause"), "unloaded_again");
  EXPECT_EQ(json.at("module"), "configfs");
  EXPECT_NE(event_text(json).find("configfs (fs-configfs)  mount, ENODEV, unloaded_again"),
            std::string::npos)
      << event_text(json);
}

TEST(EventView, OfModulesThatAreNotWatchedNothingIsShown) {
  EventView some = view(false, {"configfs"});
  EXPECT_TRUE(some.json(module_event(RACELESS_EVENT_MODULE_FREE, "kcm")).is_null());
  EXPECT_FALSE(some.json(module_event(RACELESS_EVENT_MODULE_REQUEST, "fs-configfs")).is_null());
  // It may have been one of them.
  EXPECT_FALSE(some.json(module_event(RACELESS_EVENT_MODULE_LOADED, "")).is_null());
}

TEST(EventView, ProvidersOfWatchedModulesAreShown) {
  EventView some = view(false, {"sample"});
  const auto publish = [](const char* name) {
    return record_of<raceless_event_publish>(RACELESS_EVENT_PUBLISH, name);
  };
  EXPECT_FALSE(some.json(publish("known")).is_null());
  EXPECT_TRUE(some.json(publish("codec")).is_null());
  auto transition = record_of<raceless_event_transition>(RACELESS_EVENT_TRANSITION, "codec");
  std::strcpy(transition.owner, "sample");
  transition.from = RACELESS_LIVE;
  transition.to = RACELESS_STOPPING;
  const auto json = some.json(transition);
  EXPECT_EQ(json.at("to"), "stopping");
  EXPECT_FALSE(some.json(publish("codec")).is_null());
}

TEST(EventView, EachKindHasALine) {
  EXPECT_NE(text_of(record_of<raceless_event_wait>(RACELESS_EVENT_WAIT, "codec")).find("ok"),
            std::string::npos);
  EXPECT_NE(text_of(record_of<raceless_event_flight_start>(RACELESS_EVENT_FLIGHT_START, "codec"))
                .find("flight_start     codec"),
            std::string::npos);
  auto end = record_of<raceless_event_flight_end>(RACELESS_EVENT_FLIGHT_END, "codec");
  end.in_place = 1;
  end.tries = 2;
  EXPECT_NE(text_of(end).find("modprobes 2, failed_waiters 0, in_place"), std::string::npos);
  auto failed = record_of<raceless_event_get_fail>(RACELESS_EVENT_GET_FAIL, "codec");
  failed.reason = RACELESS_REASON_ABSENT;
  failed.error = -ENOENT;
  failed.stack = -1;
  EXPECT_NE(text_of(failed).find("absent, ENOENT"), std::string::npos);
  auto broken = record_of<raceless_event_broken>(RACELESS_EVENT_BROKEN, "codec");
  broken.promise = 3;
  EXPECT_NE(text_of(broken).find("promise 3"), std::string::npos);
  auto grace = record_of<raceless_event_grace_period>(RACELESS_EVENT_GRACE_PERIOD, "codec");
  grace.expedited = 1;
  grace.grace_ns = 1000;
  EXPECT_NE(text_of(grace).find("1.00 us, expedited"), std::string::npos);
  auto stop = record_of<raceless_event_stop>(RACELESS_EVENT_STOP, "codec");
  stop.stop_ns = 2000;
  EXPECT_NE(text_of(stop).find("stop             codec             instance 0, 2.00 us"),
            std::string::npos)
      << text_of(stop);
}

// A name from the kernel is text, whatever it holds.
TEST(EventView, HostileNamesAreText) {
  const auto json = view().json(module_event(RACELESS_EVENT_MODULE_LOADED, "a\"b\\\n\x01\xff"));
  const std::string line = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_FALSE(nlohmann::json::parse(line, nullptr, false).is_discarded());
  const std::string text = event_text(json);
  EXPECT_NE(text.find("a\"b\\\\x0a\\x01\\xff "), std::string::npos) << text;
  auto record = record_of<raceless_event_call>(RACELESS_EVENT_CALL_FAIL, "fs-\x1b[2J");
  std::strcpy(record.comm, "\x1b]0;you");
  EXPECT_EQ(text_of(record).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace raceless
