// SPDX-License-Identifier: GPL-2.0
// struct raceless_hist for C++: the layout is the module's and the BPF programs'.
#ifndef RACELESS_CONTROLLER_TRACING_HISTOGRAM_H
#define RACELESS_CONTROLLER_TRACING_HISTOGRAM_H

// The header is C; C++ spells the same assertion differently.
#define _Static_assert static_assert
#include "../module/uapi/histogram.h"
#undef _Static_assert

#endif
