/* SPDX-License-Identifier: GPL-2.0 */
/* What causes.bpf.c saw of one calling thread; read by controller/tracing_cause.cpp. */
#ifndef RACELESS_BPF_CAUSES_H
#define RACELESS_BPF_CAUSES_H

#include "types.h"

/**
 * struct raceless_caller - when a thread last met each of these (CLOCK_MONOTONIC,
 *	0: never).
 * @get_failed_ns: try_module_get() returned false.
 * @load_busy_ns: its own finit_module or init_module returned EBUSY.
 * @requested_ns: it asked for a module and waits for modprobe.
 * @modprobe_ok_ns: its modprobe ended with success.
 * @modprobe_busy_ns: its modprobe failed, after a load by it had returned EBUSY.
 * @modprobe_failed_ns: its modprobe failed otherwise: nothing provides the name.
 * @helper: process id of the modprobe that runs for it, or 0.
 * @in_request: a request is under way; written by the thread alone.
 * @met_busy: the running modprobe met EBUSY; the one field that a process other
 *	than the thread writes, and only while the thread sleeps in the request.
 */
struct raceless_caller {
	__u64 get_failed_ns;
	__u64 load_busy_ns;
	__u64 requested_ns;
	__u64 modprobe_ok_ns;
	__u64 modprobe_busy_ns;
	__u64 modprobe_failed_ns;
	__u32 helper;
	__u16 in_request;
	__u16 met_busy;
};

RACELESS_ASSERT_SIZE(struct raceless_caller, 56);

#endif /* RACELESS_BPF_CAUSES_H */
