/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The records of the ring buffer. Each begins with struct raceless_event: its
 * type says which of the structures below it is. Names are NUL-terminated; what
 * follows the NUL is not initialised.
 */
#ifndef RACELESS_BPF_EVENT_H
#define RACELESS_BPF_EVENT_H

#include "types.h"

enum raceless_event_type {
	RACELESS_EVENT_TRANSITION = 1, /* struct raceless_event_transition */
	RACELESS_EVENT_PUBLISH = 2, /* struct raceless_event_publish */
	RACELESS_EVENT_GRACE_PERIOD = 3, /* struct raceless_event_grace_period */
	RACELESS_EVENT_GET_FAIL = 4, /* struct raceless_event_get_fail */
	RACELESS_EVENT_WAIT = 5, /* struct raceless_event_wait */
	RACELESS_EVENT_FLIGHT_START = 6, /* struct raceless_event_flight_start */
	RACELESS_EVENT_FLIGHT_END = 7, /* struct raceless_event_flight_end */
	RACELESS_EVENT_BROKEN = 8, /* struct raceless_event_broken */
	RACELESS_EVENT_STOP = 9, /* struct raceless_event_stop */
	/* struct raceless_event_module: */
	RACELESS_EVENT_MODULE_LOAD = 16, /* on the list, init not yet run */
	RACELESS_EVENT_MODULE_FREE = 17, /* exit has run, or init failed */
	RACELESS_EVENT_MODULE_REQUEST = 18, /* somebody asks for it by name */
	RACELESS_EVENT_MODULE_GET_FAIL = 19, /* try_module_get() said no */
	RACELESS_EVENT_MODULE_LOADED = 20, /* {f,}init_module returned */
	RACELESS_EVENT_MODULE_UNLOADED = 21, /* delete_module returned */
	RACELESS_EVENT_MODULE_GRACE = 22, /* it has waited for RCU in there */
	RACELESS_EVENT_CALL_FAIL = 23, /* struct raceless_event_call */
};

/**
 * struct raceless_event - how each event begins.
 * @type: enum raceless_event_type.
 * @cpu: where it happened.
 * @time_ns: when (CLOCK_MONOTONIC).
 */
struct raceless_event {
	__u32 type;
	__u32 cpu;
	__u64 time_ns;
};

struct raceless_event_transition {
	struct raceless_event event;
	__u64 instance;
	__u64 elapsed_ns; /* in the state @from */
	__u32 from; /* enum raceless_state */
	__u32 to;
	char name[RACELESS_NAME_SIZE];
	char owner[RACELESS_MODULE_NAME_SIZE];
};

struct raceless_event_publish {
	struct raceless_event event;
	__u64 instance;
	__u64 publish;
	__u64 handed_off; /* references that waiters got with it */
	char name[RACELESS_NAME_SIZE];
};

struct raceless_event_grace_period {
	struct raceless_event event;
	__u64 instance;
	__u64 grace_ns;
	__u32 expedited; /* 0 or 1 */
	__u32 instances; /* stopped together; the name is that of the first */
	char name[RACELESS_NAME_SIZE];
};

struct raceless_event_get_fail {
	struct raceless_event event;
	__u32 reason; /* enum raceless_reason */
	__s32 error; /* negative errno */
	__u32 tid;
	__s32 stack; /* in the map `stacks`; negative: not recorded */
	char name[RACELESS_NAME_SIZE];
};

struct raceless_event_wait {
	struct raceless_event event;
	__u64 instance;
	__u64 waited_ns;
	__s32 error; /* 0: it got a reference; else negative errno */
	__u32 tid;
	char name[RACELESS_NAME_SIZE];
};

struct raceless_event_flight_start {
	struct raceless_event event;
	char name[RACELESS_NAME_SIZE];
};

struct raceless_event_flight_end {
	struct raceless_event event;
	__u64 flight_ns;
	__s32 error;
	__u32 tries; /* modprobes */
	__u32 failed; /* waiters that got the error */
	__u32 in_place; /* 1: it called the init of a module still loaded */
	char name[RACELESS_NAME_SIZE];
};

struct raceless_event_broken {
	struct raceless_event event;
	__u64 instance;
	__u64 promise; /* enum raceless_promise */
	char name[RACELESS_NAME_SIZE];
};

struct raceless_event_stop {
	struct raceless_event event;
	__u64 instance;
	__u64 stop_ns;
	char name[RACELESS_NAME_SIZE];
};

/**
 * struct raceless_event_module - something happened to a module.
 * @elapsed_ns: length of the system call or of the wait, where it is the end of one.
 * @error: what the call returned: 0 or a negative errno.
 * @tid: who did it.
 * @stack: where, in the map `stacks`, of a failed get and of a wait; negative: not
 *	recorded.
 * @reason: enum raceless_module_get_reason of a failed get.
 * @comm: and its name.
 * @name: the module; empty for MODULE_LOADED when the load failed early.
 */
struct raceless_event_module {
	struct raceless_event event;
	__u64 elapsed_ns;
	__s32 error;
	__u32 tid;
	__s32 stack;
	__u32 reason;
	char comm[RACELESS_COMM_SIZE];
	char name[RACELESS_MODULE_NAME_SIZE];
};

/**
 * struct raceless_event_call - a system call failed because of a module.
 * @cause: enum raceless_cause.
 * @call: its number for x86-64.
 * @error: a negative errno.
 * @tid: who called.
 * @comm: and its name.
 * @name: the module, or the alias under which it was asked for.
 */
struct raceless_event_call {
	struct raceless_event event;
	__u32 cause;
	__u32 call;
	__s32 error;
	__u32 tid;
	char comm[RACELESS_COMM_SIZE];
	char name[RACELESS_MODULE_NAME_SIZE];
};

RACELESS_ASSERT_SIZE(struct raceless_event, 16);
RACELESS_ASSERT_SIZE(struct raceless_event_transition, 144);
RACELESS_ASSERT_SIZE(struct raceless_event_publish, 88);
RACELESS_ASSERT_SIZE(struct raceless_event_grace_period, 88);
RACELESS_ASSERT_SIZE(struct raceless_event_get_fail, 80);
RACELESS_ASSERT_SIZE(struct raceless_event_wait, 88);
RACELESS_ASSERT_SIZE(struct raceless_event_flight_start, 64);
RACELESS_ASSERT_SIZE(struct raceless_event_flight_end, 88);
RACELESS_ASSERT_SIZE(struct raceless_event_broken, 80);
RACELESS_ASSERT_SIZE(struct raceless_event_stop, 80);
RACELESS_ASSERT_SIZE(struct raceless_event_module, 112);
RACELESS_ASSERT_SIZE(struct raceless_event_call, 104);

#endif /* RACELESS_BPF_EVENT_H */
