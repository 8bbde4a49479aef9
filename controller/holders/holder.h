// SPDX-License-Identifier: GPL-2.0
// What holds references on a module, and who has it.
#ifndef RACELESS_CONTROLLER_HOLDERS_HOLDER_H
#define RACELESS_CONTROLLER_HOLDERS_HOLDER_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace raceless {

// A process that uses it, and as what: "fd 3", "mapped", "current folder".
struct HolderUser {
  uint32_t pid = 0;
  std::string comm;
  std::string how;
  std::string path;  // "" if it is not known, or is gone
};

struct Holder {
  std::string kind;  // file, device, socket, mount, dependent…
  std::string what;  // in words
  uint64_t references = 0;
  std::map<std::string, uint64_t> parts;  // what of it has them: "device": 1
  std::vector<HolderUser> users;
  std::string remedy;  // what to do about it
};

}  // namespace raceless

#endif
