/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What causes.bpf.c saw of one calling thread, and what follows from it: decided by
 * controller/tracing/cause.cpp and, at the end of a failed call, by causes.bpf.c.
 */
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
 * @modprobe_ok_asked_ns: when it had asked for that one.
 * @modprobe_busy_ns: its modprobe failed, after a load by it had returned EBUSY.
 * @modprobe_failed_ns: its modprobe failed otherwise: nothing provides the name.
 * @helper: process id of the modprobe that runs for it, or 0.
 * @in_request: a request is under way; written by the thread alone.
 * @met_busy: the running modprobe met EBUSY; the one field that a process other
 *	than the thread writes, and only while the thread sleeps in the request.
 * @call: the system call in which it met the last of them (x86-64).
 * @name: the module of the last failed get, or what it asked for.
 */
struct raceless_caller {
	__u64 get_failed_ns;
	__u64 load_busy_ns;
	__u64 requested_ns;
	__u64 modprobe_ok_ns;
	__u64 modprobe_ok_asked_ns;
	__u64 modprobe_busy_ns;
	__u64 modprobe_failed_ns;
	__u32 helper;
	__u16 in_request;
	__u16 met_busy;
	__u32 call;
	__u32 reserved;
	char name[RACELESS_MODULE_NAME_SIZE];
};

RACELESS_ASSERT_SIZE(struct raceless_caller, 128);

enum raceless_cause {
	RACELESS_CAUSE_UNKNOWN, /* nothing seen that explains it */
	RACELESS_CAUSE_LOAD_BUSY, /* the load met a dying module: EBUSY */
	RACELESS_CAUSE_UNLOADED_AGAIN, /* modprobe succeeded; gone again */
	RACELESS_CAUSE_STILL_REGISTERED, /* found dying; nobody asked for it */
	RACELESS_CAUSE_MISSING, /* modprobe failed, and nobody met EBUSY */
};

/*
 * Before what @call meets is written down: what another call met explains nothing
 * of it. Of that no end was seen, as it is not listed.
 */
static inline void raceless_meet_in(struct raceless_caller *seen, __u32 call)
{
	if (seen->call == call)
		return;
	__builtin_memset(seen, 0, sizeof(*seen));
	seen->call = call;
}

static inline int raceless_met(__u64 when_ns, __u64 since_ns)
{
	return when_ns != 0 && when_ns >= since_ns;
}

/* Where somebody unloads all the time, as in a storm. */
#define RACELESS_ALWAYS_DELETED (~0ULL)

/*
 * What was seen before @since_ns (CLOCK_MONOTONIC) does not count. @deleted_ns: when
 * any module was last seen to be in delete_module. One that modprobe has brought, and
 * that nobody has unloaded since, is not why the call failed.
 */
static inline enum raceless_cause
raceless_classify(const struct raceless_caller *seen, __u64 since_ns,
		  __u64 deleted_ns)
{
	int busy = raceless_met(seen->modprobe_busy_ns, since_ns);
	int ok = raceless_met(seen->modprobe_ok_ns, since_ns);

	if (raceless_met(seen->load_busy_ns, since_ns))
		return RACELESS_CAUSE_LOAD_BUSY;

	/*
	 * A call may ask several times, under several aliases, some of which
	 * nobody ever provides ("crypto-sha1-all"): those explain the failure
	 * only if no other request does.
	 */
	if (busy && (!ok || seen->modprobe_busy_ns > seen->modprobe_ok_ns))
		return RACELESS_CAUSE_LOAD_BUSY;
	if (ok && (deleted_ns >= seen->modprobe_ok_asked_ns ||
		   raceless_met(seen->get_failed_ns, since_ns)))
		return RACELESS_CAUSE_UNLOADED_AGAIN;
	if (raceless_met(seen->modprobe_failed_ns, since_ns))
		return RACELESS_CAUSE_MISSING;

	/*
	 * Asked, and its modprobe had success, or none was run for it (there was no
	 * memory, or another's result was given to it): it is not that nobody asked.
	 */
	if (raceless_met(seen->requested_ns, since_ns))
		return RACELESS_CAUSE_UNKNOWN;
	if (raceless_met(seen->get_failed_ns, since_ns))
		return RACELESS_CAUSE_STILL_REGISTERED;
	return RACELESS_CAUSE_UNKNOWN;
}

#endif /* RACELESS_BPF_CAUSES_H */
