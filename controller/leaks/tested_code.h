// SPDX-License-Identifier: GPL-2.0
// The code whose memory is looked at: it tells the callers that the kernel names, of this code or
// of other.
#ifndef RACELESS_CONTROLLER_LEAKS_TESTED_CODE_H
#define RACELESS_CONTROLLER_LEAKS_TESTED_CODE_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace raceless {

// The kernel prints a caller as "leak+0x1f/0x30 [mine]", and when the module is gone as the bare
// address "0xffffffffc03b90c5". A module lies at another place after each load, but begins with a
// page: the last three digits and the call in front of the address identify the place in its file.
// Another module's address passes for one of these once in dozens of times: what follows from a
// name is growth from one round to the next, and no single sighting.
class TestedCode {
 public:
  // Without a file that can be read (a compressed one), its code has no names once it is gone.
  void add(const std::string& module, const std::string& path);

  struct Place {
    std::string name;   // "leak+0x1f [mine]"
    bool gone = false;  // its module was unloaded
  };
  // Nothing for code that is there and not under test.
  [[nodiscard]] std::optional<Place> find(std::string_view frame) const;

 private:
  struct Function {
    uint64_t begin;
    uint64_t end;
    std::string name;
  };
  // All code that is loaded and freed together, as it lies in memory.
  struct Region {
    std::string module;
    std::vector<uint8_t> bytes;
    std::vector<Function> functions;
  };
  [[nodiscard]] static Result<std::vector<Region>> read(const std::string& module,
                                                        const std::string& path);
  static void find_in(const Region& region, uint64_t offset_in_page,
                      std::vector<std::string>& names);

  std::vector<std::string> modules_;
  std::vector<Region> regions_;
};

}  // namespace raceless

#endif
