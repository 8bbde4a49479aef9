// SPDX-License-Identifier: GPL-2.0
/* The bodies of the tracepoints. */
#include <linux/module.h>

#include "compat.h"
#define CREATE_TRACE_POINTS
#include "trace.h"

/* For those who must know that something is under way: the selftest. */
EXPORT_TRACEPOINT_SYMBOL_GPL(raceless_transition);
EXPORT_TRACEPOINT_SYMBOL_GPL(raceless_publish);
EXPORT_TRACEPOINT_SYMBOL_GPL(raceless_grace_period);
EXPORT_TRACEPOINT_SYMBOL_GPL(raceless_wait_begin);
