// SPDX-License-Identifier: GPL-2.0
// A folder on a bpf file system in which a run pins its maps, for bpftool and the like.
#ifndef RACELESS_CONTROLLER_TRACING_PIN_FOLDER_H
#define RACELESS_CONTROLLER_TRACING_PIN_FOLDER_H

#include <string>
#include <utility>
#include <vector>

#include "../file_descriptor.h"
#include "../result.h"

namespace raceless {

// One run owns the folder for as long as this lives: a lock on it, which dies with the
// process, tells a run from what a dead one left behind. The destructor removes the pins and
// the folder, unless they shall be kept.
class PinFolder {
 public:
  // Makes the folder, or takes over that of a dead run and empties it. `names` are those that
  // raceless uses; a folder with anything else in it is not touched.
  static Result<PinFolder> claim(const std::string& path, const std::vector<std::string>& names);

  PinFolder(PinFolder&&) = default;
  PinFolder& operator=(PinFolder&&) = delete;
  ~PinFolder();

  // A map, program or link. A name that begins with prog_ or link_ is of the latter two, the rest
  // are among claim()'s.
  Status pin(int fd, const std::string& name);
  void keep() { kept_ = true; }

  // For a signal handler that ends the process: a pinned link would keep its program attached.
  static void remove_at_once();

 private:
  PinFolder(std::string path, FileDescriptor folder)
      : path_(std::move(path)), folder_(std::move(folder)) {}

  std::string path_;
  FileDescriptor folder_;  // holds the lock; empty after a move
  std::vector<std::string> pinned_;
  bool kept_ = false;
};

}  // namespace raceless

#endif
