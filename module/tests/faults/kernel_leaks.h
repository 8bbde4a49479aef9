// SPDX-License-Identifier: GPL-2.0
// What the kernel itself loses when it is refused memory.
#ifndef RACELESS_MODULE_TESTS_FAULTS_KERNEL_LEAKS_H
#define RACELESS_MODULE_TESTS_FAULTS_KERNEL_LEAKS_H

namespace raceless {

// Lets kmemleak look, if the kernel has it, and forget what it found: leaks that are known to be
// the kernel's own. Any other is a failure of the test. Takes 12 s.
void forgive_kernel_leaks();

}  // namespace raceless

#endif
