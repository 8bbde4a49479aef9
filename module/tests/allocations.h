// SPDX-License-Identifier: GPL-2.0
// Kernel memory by the allocator's own record: needs slub_debug=U on the kernel's command line.
#ifndef RACELESS_MODULE_TESTS_ALLOCATIONS_H
#define RACELESS_MODULE_TESTS_ALLOCATIONS_H

#include <string>

namespace raceless {

[[nodiscard]] bool allocations_are_recorded();

// What raceless.ko allocated and did not free: one line for each place in its code.
[[nodiscard]] std::string allocations();

}  // namespace raceless

#endif
