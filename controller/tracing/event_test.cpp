// SPDX-License-Identifier: GPL-2.0
#include "event.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace raceless {
namespace {

// A record as the ring buffer hands it over: garbage where the program wrote nothing.
template <typename Record>
Record record_of(std::uint32_t type) {
  Record record;
  std::memset(&record, 0xa5, sizeof(record));
  record.event = {type, 3, 123456789};
  std::memcpy(record.name, "codec", sizeof("codec"));
  return record;
}

template <typename Record>
const Record* decode(const Record& record, Result<Event>& event) {
  event = decode_event(&record, sizeof(record));
  return event ? std::get_if<Record>(&*event) : nullptr;
}

TEST(Event, TransitionKeepsEveryField) {
  auto record = record_of<raceless_event_transition>(RACELESS_EVENT_TRANSITION);
  record.instance = 7;
  record.elapsed_ns = 1000;
  record.from = RACELESS_LIVE;
  record.to = RACELESS_STOPPING;
  std::memcpy(record.owner, "raceless_sample_codec", sizeof("raceless_sample_codec"));
  Result<Event> event;
  const auto* decoded = decode(record, event);
  ASSERT_NE(decoded, nullptr);
  EXPECT_EQ(header(*event).type, RACELESS_EVENT_TRANSITION);
  EXPECT_EQ(header(*event).cpu, 3U);
  EXPECT_EQ(header(*event).time_ns, 123456789U);
  EXPECT_EQ(decoded->instance, 7U);
  EXPECT_EQ(decoded->elapsed_ns, 1000U);
  EXPECT_EQ(decoded->from, RACELESS_LIVE);
  EXPECT_EQ(decoded->to, RACELESS_STOPPING);
  EXPECT_STREQ(decoded->name, "codec");
  EXPECT_STREQ(decoded->owner, "raceless_sample_codec");
}

template <typename Record>
void expect_decodes(std::uint32_t type) {
  const auto record = record_of<Record>(type);
  Result<Event> event;
  const auto* decoded = decode(record, event);
  ASSERT_NE(decoded, nullptr) << event_type_name(type);
  EXPECT_EQ(header(*event).type, type);
  EXPECT_STREQ(decoded->name, "codec");
  EXPECT_STRNE(event_type_name(type), "unknown");
  EXPECT_FALSE(decode_event(&record, sizeof(record) - 1)) << event_type_name(type);
}

TEST(Event, EachTypeIsItsOwnStructure) {
  expect_decodes<raceless_event_transition>(RACELESS_EVENT_TRANSITION);
  expect_decodes<raceless_event_publish>(RACELESS_EVENT_PUBLISH);
  expect_decodes<raceless_event_grace_period>(RACELESS_EVENT_GRACE_PERIOD);
  expect_decodes<raceless_event_get_fail>(RACELESS_EVENT_GET_FAIL);
  expect_decodes<raceless_event_wait>(RACELESS_EVENT_WAIT);
  expect_decodes<raceless_event_flight_start>(RACELESS_EVENT_FLIGHT_START);
  expect_decodes<raceless_event_flight_end>(RACELESS_EVENT_FLIGHT_END);
  expect_decodes<raceless_event_broken>(RACELESS_EVENT_BROKEN);
  expect_decodes<raceless_event_stop>(RACELESS_EVENT_STOP);
  for (std::uint32_t type = RACELESS_EVENT_MODULE_LOAD; type <= RACELESS_EVENT_MODULE_GRACE;
       type++) {
    expect_decodes<raceless_event_module>(type);
  }
  expect_decodes<raceless_event_call>(RACELESS_EVENT_CALL_FAIL);
}

TEST(Event, NamesEndWhateverTheRecordHolds) {
  auto record = record_of<raceless_event_module>(RACELESS_EVENT_MODULE_FREE);
  std::memset(record.name, 'x', sizeof(record.name));
  std::memset(record.comm, 'y', sizeof(record.comm));
  Result<Event> event;
  const auto* decoded = decode(record, event);
  ASSERT_NE(decoded, nullptr);
  EXPECT_EQ(std::strlen(decoded->name), sizeof(decoded->name) - 1);
  EXPECT_EQ(std::strlen(decoded->comm), sizeof(decoded->comm) - 1);
}

TEST(Event, UnknownTypesAndStumpsAreErrors) {
  const raceless_event strange{999, 0, 1};
  const auto unknown = decode_event(&strange, sizeof(strange));
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message().find("999"), std::string::npos);
  EXPECT_STREQ(event_type_name(999), "unknown");
  EXPECT_FALSE(decode_event(&strange, sizeof(strange) - 1));
  EXPECT_FALSE(decode_event(&strange, 0));
}

}  // namespace
}  // namespace raceless
