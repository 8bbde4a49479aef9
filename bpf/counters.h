/* SPDX-License-Identifier: GPL-2.0 */
/* Keys and values of the counting maps; `bpftool map dump` shows their names. */
#ifndef RACELESS_BPF_COUNTERS_H
#define RACELESS_BPF_COUNTERS_H

#include "causes.h"
#include "types.h"

#define RACELESS_STACK_DEPTH 24

/* Modules that can be watched at once, if not all. */
#define RACELESS_WATCHED_MODULES 64

/**
 * struct raceless_drops - what was not recorded, of each CPU (map `drops`).
 * @events: no room in the ring buffer.
 * @keys: no room in a counter for another key.
 * @stacks: a stack was left out, as it collides with another one in the map.
 * @maxima: a maximum stayed too low, as too many CPUs raised it at once.
 * @tasks: no room for another thread, so that its system call was not timed.
 */
struct raceless_drops {
	__u64 events;
	__u64 keys;
	__u64 stacks;
	__u64 maxima;
	__u64 tasks;
};

/**
 * struct raceless_registry_totals - sums over all names (map `totals`).
 * @publishes: instances that became reachable.
 * @handed_off: references that waiters got from a publish.
 * @replacements: instances that another took over from, side by side.
 * @replace_failures: those that stayed, as the init of the other failed.
 * @flights: reload attempts that ended.
 * @flights_in_place: those that called the init of a module still loaded.
 * @flight_errors: those that ended without a publish.
 * @modprobes: modprobes that flights ran.
 * @failed_waiters: waiters that got a flight's error.
 * @waits: gets that had to wait.
 * @failed_waits: those of them that got no reference.
 * @expedited: grace periods that were expedited.
 * @polite: those that were not.
 */
struct raceless_registry_totals {
	__u64 publishes;
	__u64 handed_off;
	__u64 replacements;
	__u64 replace_failures;
	__u64 flights;
	__u64 flights_in_place;
	__u64 flight_errors;
	__u64 modprobes;
	__u64 failed_waiters;
	__u64 waits;
	__u64 failed_waits;
	__u64 expedited;
	__u64 polite;
};

/* A failed get of the registry (map `get_failures`). */
struct raceless_get_failure {
	char name[RACELESS_NAME_SIZE];
	enum raceless_reason reason;
	__s32 error; /* negative errno */
	__s32 stack; /* in the map `stacks`; negative: not recorded */
	__u32 reserved;
};

/**
 * struct raceless_module_totals - sums over the modules that are watched.
 * @loads: modules that came onto the kernel's list.
 * @frees: modules that left, after their exit or a failed init.
 * @requests: times that somebody asked for one by name.
 * @get_failures: times that try_module_get() said no.
 */
struct raceless_module_totals {
	__u64 loads;
	__u64 frees;
	__u64 requests;
	__u64 get_failures;
};

/* Which of its two conditions made try_module_get() say no. */
enum raceless_module_get_reason {
	RACELESS_MODULE_GET_GOING = 1, /* its exit has begun, or its init failed */
	RACELESS_MODULE_GET_NO_COUNT = 2, /* its count is 0: about to be going */
};

/* A failed try_module_get() (map `module_gets`). */
struct raceless_module_get_failure {
	char name[RACELESS_MODULE_NAME_SIZE];
	__s32 stack;
	enum raceless_module_get_reason reason;
};

/* How a load or a delete_module ended (maps `load_results`, `unload_results`). */
struct raceless_module_result {
	char name[RACELESS_MODULE_NAME_SIZE]; /* empty: without a name, or EPERM */
	__s32 error; /* 0 or a negative errno */
	__u32 reserved;
};

/* A module (maps `load_ns_of`, `unload_ns_of`, `watched`). */
struct raceless_module_key {
	char name[RACELESS_MODULE_NAME_SIZE];
};

/* Whose unload waited for RCU, and where (map `grace_ns_of`). */
struct raceless_grace_site {
	char name[RACELESS_MODULE_NAME_SIZE];
	__s32 stack;
	__u32 reserved;
};

/* A system call that failed because of a module (map `call_failures`). */
struct raceless_call_failure {
	char name[RACELESS_MODULE_NAME_SIZE]; /* of the module, or an alias */
	__u32 call; /* its number for x86-64 */
	__s32 error; /* negative errno */
	enum raceless_cause cause;
	__u32 reserved;
};

RACELESS_ASSERT_SIZE(struct raceless_drops, 40);
RACELESS_ASSERT_SIZE(struct raceless_registry_totals, 104);
RACELESS_ASSERT_SIZE(struct raceless_get_failure, 64);
RACELESS_ASSERT_SIZE(struct raceless_module_totals, 32);
RACELESS_ASSERT_SIZE(struct raceless_module_get_failure, 64);
RACELESS_ASSERT_SIZE(struct raceless_module_result, 64);
RACELESS_ASSERT_SIZE(struct raceless_module_key, 56);
RACELESS_ASSERT_SIZE(struct raceless_grace_site, 64);
RACELESS_ASSERT_SIZE(struct raceless_call_failure, 72);

#endif /* RACELESS_BPF_COUNTERS_H */
