// SPDX-License-Identifier: GPL-2.0
// What a timeline shows of each thread: the storm's operations, the waits and system calls in them,
// and what failed; and of others (modprobe), their system calls.
#ifndef RACELESS_CONTROLLER_TIMELINE_THREAD_TRACKS_H
#define RACELESS_CONTROLLER_TIMELINE_THREAD_TRACKS_H

#include "timeline/instance_tracks.h"
#include "timeline/timeline.h"
#include "timeline/trace_file.h"

namespace raceless {

void draw_threads(const Timeline& timeline, uint32_t storm_group, uint32_t others_group,
                  const InstanceTracks& instances, TraceFile& file);

}  // namespace raceless

#endif
