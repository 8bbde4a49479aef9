// SPDX-License-Identifier: GPL-2.0
// What a timeline shows of each module: from its load to its removal, whoever did that.
#ifndef RACELESS_CONTROLLER_TIMELINE_MODULE_TRACKS_H
#define RACELESS_CONTROLLER_TIMELINE_MODULE_TRACKS_H

#include <cstdint>
#include <string>
#include <vector>

#include "timeline/timeline.h"
#include "timeline/trace_file.h"

namespace raceless {

void draw_modules(const Timeline& timeline, uint32_t group, TraceFile& file);

}  // namespace raceless

#endif
