// SPDX-License-Identifier: GPL-2.0
// The ring buffer's records as a variant: one alternative for each structure of bpf/event.h.
#ifndef RACELESS_CONTROLLER_TRACING_EVENT_H
#define RACELESS_CONTROLLER_TRACING_EVENT_H

#include <cstddef>
#include <cstdint>
#include <variant>

#include "../../bpf/event.h"
#include "../result.h"

namespace raceless {

using Event =
    std::variant<raceless_event_transition, raceless_event_publish, raceless_event_grace_period,
                 raceless_event_get_fail, raceless_event_wait, raceless_event_flight_start,
                 raceless_event_flight_end, raceless_event_broken, raceless_event_stop,
                 raceless_event_module, raceless_event_call>;

// Checks type and length; names of the result are NUL-terminated whatever the record held.
Result<Event> decode_event(const void* record, std::size_t bytes);

// The part that all events share.
const raceless_event& header(const Event& event);

// "transition", "module_get_fail", …; "unknown" for what is none.
const char* event_type_name(std::uint32_t type);

}  // namespace raceless

#endif
