// SPDX-License-Identifier: GPL-2.0
// The places in raceless.ko that allocate, and which of them were refused memory by some test.
#ifndef RACELESS_MODULE_TESTS_FAULTS_SITES_H
#define RACELESS_MODULE_TESTS_FAULTS_SITES_H

#include <vector>

#include "refusals.h"

namespace raceless {

// Keeps what these tell. When all tests have run, and no filter has left some out, each place that
// is listed in sites.cpp must have been among them.
void count_sites(const std::vector<Stack>& refused);

}  // namespace raceless

#endif
