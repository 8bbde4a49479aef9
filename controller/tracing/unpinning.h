// SPDX-License-Identifier: GPL-2.0
// Removing pins of a bpf file system, and with them what nothing else holds.
#ifndef RACELESS_CONTROLLER_TRACING_UNPINNING_H
#define RACELESS_CONTROLLER_TRACING_UNPINNING_H

#include <string>
#include <vector>

#include "../result.h"

namespace raceless {

// Links that lose their last reference by this are freed when it returns, one after the other.
// Removed by unlink() alone, each would be freed by a kernel worker of its own, and dozens of
// workers would wait for one mutex, for as long as all take together: long enough, on a slow
// machine, for the kernel to report hung tasks. Whoever holds a link itself should close it after
// this. Pins that are not there are no error; the first one that cannot be removed is, after the
// rest.
Status unpin(const std::vector<std::string>& paths);

}  // namespace raceless

#endif
