// SPDX-License-Identifier: GPL-2.0
// A read-only block device with given contents.
#ifndef RACELESS_CONTROLLER_TARGETS_LOOP_DEVICE_H
#define RACELESS_CONTROLLER_TARGETS_LOOP_DEVICE_H

#include <string>
#include <string_view>

#include "file_descriptor.h"
#include "result.h"

namespace raceless {

class LoopDevice {
 public:
  // Loads the loop module if it is needed.
  [[nodiscard]] static Result<LoopDevice> create(std::string_view contents);

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  LoopDevice(std::string path, FileDescriptor device)
      : path_(std::move(path)), device_(std::move(device)) {}

  std::string path_;
  // Open for as long as the device is wanted: it frees itself with the last close.
  FileDescriptor device_;
};

}  // namespace raceless

#endif
