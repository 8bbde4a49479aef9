// SPDX-License-Identifier: GPL-2.0
// Plain files that appear where device nodes belong.
//
// `echo x > /dev/foo` creates a plain file while the driver of foo is unloaded; from then on the
// node cannot be made, and the workload would only ever meet that file.
#ifndef RACELESS_CONTROLLER_TARGETS_PLAIN_FILES_H
#define RACELESS_CONTROLLER_TARGETS_PLAIN_FILES_H

#include <cstdint>
#include <set>
#include <string>

namespace raceless {

class PlainFiles {
 public:
  // What is there already is left alone.
  explicit PlainFiles(std::string folder = "/dev") : folder_(std::move(folder)), kept_(list()) {}

  // Removes those that have appeared since; returns how many.
  uint64_t remove_new() const;

 private:
  [[nodiscard]] std::set<std::string> list() const;

  std::string folder_;
  std::set<std::string> kept_;
};

}  // namespace raceless

#endif
