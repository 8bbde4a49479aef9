// SPDX-License-Identifier: GPL-2.0
// Devices that stopped processes hold open, and whether they vanished meanwhile.
//
// A character device whose file_operations have no .owner lets its module go while files are open:
// the next operation on such a file runs freed code.
#ifndef RACELESS_CONTROLLER_TARGETS_HELD_FILES_H
#define RACELESS_CONTROLLER_TARGETS_HELD_FILES_H

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace raceless {

class HeldFiles {
 public:
  // The open character and block devices of processes that are stopped (others may still run, and
  // close them).
  [[nodiscard]] static HeldFiles capture(const std::vector<pid_t>& processes,
                                         const std::string& root = "");

  // The devices that are registered now; and whether a descriptor (/proc/PID/fd/N) is one that is
  // not among them.
  [[nodiscard]] static std::set<std::string> known_devices(const std::string& root = "");
  [[nodiscard]] static bool is_new_device(const std::string& descriptor,
                                          const std::set<std::string>& known,
                                          const std::string& root = "");

  // A device that is still open, though it is not the one any more that it was at capture: it was
  // unregistered. The path by which it was opened; nothing if there is none.
  [[nodiscard]] std::optional<std::string> vanished() const;
  [[nodiscard]] bool empty() const { return files_.empty(); }

 private:
  struct File {
    std::string descriptor;  // /proc/PID/fd/N
    std::string path;        // what it leads to
    dev_t device;
    std::string node;   // /sys/dev/char/MAJOR:MINOR
    uint64_t identity;  // of the node: another number once it was registered anew
  };

  [[nodiscard]] static std::optional<File> look_at(const std::string& descriptor,
                                                   const std::string& root);

  std::vector<File> files_;
};

}  // namespace raceless

#endif
