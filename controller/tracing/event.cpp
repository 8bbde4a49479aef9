// SPDX-License-Identifier: GPL-2.0
#include "event.h"

#include <cstring>
#include <string>

namespace raceless {
namespace {

template <typename Record>
Result<Event> decode_as(const void* record, std::size_t bytes) {
  Record decoded{};
  if (bytes < sizeof(decoded)) {
    return fail(EPROTO, "an event has " + std::to_string(bytes) + " of " +
                            std::to_string(sizeof(decoded)) +
                            " bytes; raceless and its BPF objects do not fit together");
  }
  std::memcpy(&decoded, record, sizeof(decoded));
  decoded.name[sizeof(decoded.name) - 1] = '\0';
  if constexpr (requires { decoded.owner; }) decoded.owner[sizeof(decoded.owner) - 1] = '\0';
  if constexpr (requires { decoded.comm; }) decoded.comm[sizeof(decoded.comm) - 1] = '\0';
  return decoded;
}

}  // namespace

Result<Event> decode_event(const void* record, std::size_t bytes) {
  raceless_event header{};
  if (bytes < sizeof(header)) {
    return fail(EPROTO, "an event has " + std::to_string(bytes) + " bytes, less than its header");
  }
  std::memcpy(&header, record, sizeof(header));
  switch (header.type) {
    case RACELESS_EVENT_TRANSITION:
      return decode_as<raceless_event_transition>(record, bytes);
    case RACELESS_EVENT_PUBLISH:
      return decode_as<raceless_event_publish>(record, bytes);
    case RACELESS_EVENT_GRACE_PERIOD:
      return decode_as<raceless_event_grace_period>(record, bytes);
    case RACELESS_EVENT_GET_FAIL:
      return decode_as<raceless_event_get_fail>(record, bytes);
    case RACELESS_EVENT_WAIT:
      return decode_as<raceless_event_wait>(record, bytes);
    case RACELESS_EVENT_FLIGHT_START:
      return decode_as<raceless_event_flight_start>(record, bytes);
    case RACELESS_EVENT_FLIGHT_END:
      return decode_as<raceless_event_flight_end>(record, bytes);
    case RACELESS_EVENT_BROKEN:
      return decode_as<raceless_event_broken>(record, bytes);
    case RACELESS_EVENT_STOP:
      return decode_as<raceless_event_stop>(record, bytes);
    case RACELESS_EVENT_MODULE_LOAD:
    case RACELESS_EVENT_MODULE_FREE:
    case RACELESS_EVENT_MODULE_REQUEST:
    case RACELESS_EVENT_MODULE_GET_FAIL:
    case RACELESS_EVENT_MODULE_LOADED:
    case RACELESS_EVENT_MODULE_UNLOADED:
    case RACELESS_EVENT_MODULE_GRACE:
      return decode_as<raceless_event_module>(record, bytes);
    case RACELESS_EVENT_CALL_FAIL:
      return decode_as<raceless_event_call>(record, bytes);
    default:
      return fail(EPROTO, "an event has the unknown type " + std::to_string(header.type));
  }
}

const raceless_event& header(const Event& event) {
  return std::visit([](const auto& record) -> const raceless_event& { return record.event; },
                    event);
}

const char* event_type_name(std::uint32_t type) {
  switch (type) {
    case RACELESS_EVENT_TRANSITION:
      return "transition";
    case RACELESS_EVENT_PUBLISH:
      return "publish";
    case RACELESS_EVENT_GRACE_PERIOD:
      return "grace_period";
    case RACELESS_EVENT_GET_FAIL:
      return "get_fail";
    case RACELESS_EVENT_WAIT:
      return "wait";
    case RACELESS_EVENT_FLIGHT_START:
      return "flight_start";
    case RACELESS_EVENT_FLIGHT_END:
      return "flight_end";
    case RACELESS_EVENT_BROKEN:
      return "broken";
    case RACELESS_EVENT_STOP:
      return "stop";
    case RACELESS_EVENT_MODULE_LOAD:
      return "module_load";
    case RACELESS_EVENT_MODULE_FREE:
      return "module_free";
    case RACELESS_EVENT_MODULE_REQUEST:
      return "module_request";
    case RACELESS_EVENT_MODULE_GET_FAIL:
      return "module_get_fail";
    case RACELESS_EVENT_MODULE_LOADED:
      return "module_loaded";
    case RACELESS_EVENT_MODULE_UNLOADED:
      return "module_unloaded";
    case RACELESS_EVENT_MODULE_GRACE:
      return "module_grace";
    case RACELESS_EVENT_CALL_FAIL:
      return "call_fail";
    default:
      return "unknown";
  }
}

}  // namespace raceless
