// SPDX-License-Identifier: GPL-2.0
// From what the programs saw to who holds: each reference once, however many see it.
#ifndef RACELESS_CONTROLLER_HOLDERS_ATTRIBUTION_H
#define RACELESS_CONTROLLER_HOLDERS_ATTRIBUTION_H

#include <functional>
#include <string>
#include <vector>

#include "../../bpf/holders.h"
#include "holders/holder.h"
#include "holders/mount_points.h"

namespace raceless {

// How a user's file is called; "" if it cannot be found out.
using FindPath = std::function<std::string(const raceless_holder& record)>;

// A record is of one reference; records of the same object and kind are of the same one, and each
// of them adds a user. What users know as one thing (a file, a file system) is one holder.
[[nodiscard]] std::vector<Holder> attribute(const std::vector<raceless_holder>& records,
                                            const MountPoints& mounts, const FindPath& path);

// /proc/PID/fd/N, or the line of /proc/PID/maps.
[[nodiscard]] std::string path_of(const raceless_holder& record, const std::string& root = "");

}  // namespace raceless

#endif
