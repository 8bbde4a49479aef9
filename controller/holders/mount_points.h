// SPDX-License-Identifier: GPL-2.0
// Where file systems are mounted, in each mount namespace that has a process.
#ifndef RACELESS_CONTROLLER_HOLDERS_MOUNT_POINTS_H
#define RACELESS_CONTROLLER_HOLDERS_MOUNT_POINTS_H

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace raceless {

struct MountPoint {
  std::string path;       // as its namespace sees it
  uint32_t pid = 0;       // a process in that namespace
  bool is_other = false;  // it is not our own namespace
};

class MountPoints {
 public:
  [[nodiscard]] static MountPoints read(const std::string& root = "");

  // The lines of one /proc/PID/mountinfo.
  void add(std::string_view mountinfo, uint32_t pid, bool is_other);
  // Of the file system on this device, as the kernel has the number.
  [[nodiscard]] const std::vector<MountPoint>& of(uint32_t device) const;

 private:
  std::map<uint32_t, std::vector<MountPoint>> by_device_;
};

}  // namespace raceless

#endif
