/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The gate: what its BPF programs tell raceless.ko, and what both count by.
 * Between these two alone, which are always built together: no stable interface.
 */
#ifndef _UAPI_RACELESS_GATE_H
#define _UAPI_RACELESS_GATE_H

#include <linux/types.h>

#define RACELESS_GATE_FILE "/proc/raceless_gate"

/* MODULE_NAME_LEN on 64 bits. */
#define RACELESS_GATE_NAME_SIZE 56

/* Bounds; what is beyond them goes through as without a gate, and is counted. */
#define RACELESS_GATE_MAX_CALLS 4096 /* in a request or being retried, at once */
#define RACELESS_GATE_MAX_CALLS_PER_TASK 8 /* signal handlers nest them */
#define RACELESS_GATE_MAX_HELPERS 16 /* of them modprobes: the kernel runs 50 at once */
#define RACELESS_GATE_MAX_DELETERS 256 /* that wait at once */
#define RACELESS_GATE_MAX_LEASES 256 /* at once */
#define RACELESS_GATE_MAX_MODULES 256 /* counted by name; the rest is "other" */
#define RACELESS_GATE_MAX_FRAMES 32 /* of who asked for a module */

/* The system calls that the gate can restart. */
enum raceless_gate_syscall {
	RACELESS_GATE_MOUNT = 0,
	RACELESS_GATE_FSOPEN = 1,
	RACELESS_GATE_FSCONFIG = 2,
	RACELESS_GATE_SOCKET = 3,
	RACELESS_GATE_SOCKETPAIR = 4,
	RACELESS_GATE_BIND = 5,
	RACELESS_GATE_SETSOCKOPT = 6,
	RACELESS_GATE_GETSOCKOPT = 7,
	RACELESS_GATE_SOCKETCALL = 8, /* of 32-bit programs: any of the five before */
	RACELESS_GATE_FINIT_MODULE = 9,
	RACELESS_GATE_INIT_MODULE = 10,
	RACELESS_GATE_NR_SYSCALLS = 11,
};

/* What a call met, as bits of raceless_gate_evidence.met. */
#define RACELESS_GATE_MET_GET (1U << 0) /* try_module_get() said no */
#define RACELESS_GATE_MET_REQUEST (1U << 1) /* it asked for a module… */
#define RACELESS_GATE_MET_LOADED (1U << 2) /* …and modprobe succeeded */
#define RACELESS_GATE_MET_LOAD_FAILED (1U << 3) /* …or could not load it */
#define RACELESS_GATE_MET_DYING (1U << 4) /* something was being deleted then */
#define RACELESS_GATE_MET_INIT (1U << 5) /* its module's init ran: the error is that */
#define RACELESS_GATE_MET_OWN_UNLOAD (1U << 6) /* the unload waits for this call */
#define RACELESS_GATE_MET_BUSY (1U << 7) /* its load got EBUSY */
#define RACELESS_GATE_MET_NOTHING (1U << 8) /* it failed at about the time of a delete */
#define RACELESS_GATE_MET_LOAD_DYING (1U << 9) /* modprobe's load met what was being deleted */

/* What about is: so long a task may have been preempted in the middle of a get. */
#define RACELESS_GATE_NEAR_NS 50000000ULL

/* What goes through although it met a dying module. */
enum raceless_gate_open {
	RACELESS_GATE_OPEN_KTHREAD = 0, /* kernel threads: no call to restart */
	RACELESS_GATE_OPEN_IO_URING = 1, /* nor has io_uring one */
	RACELESS_GATE_OPEN_UNLISTED = 2, /* a system call that is not listed */
	RACELESS_GATE_OPEN_LIMIT = 3, /* one of the bounds above */
	RACELESS_GATE_OPEN_MEMORY = 4,
	RACELESS_GATE_OPEN_REGISTERS = 5, /* a tracer has changed them */
	RACELESS_GATE_OPEN_HELPER = 6, /* one modprobe too many; its request waits itself */
	RACELESS_GATE_NR_OPENS = 7,
};

/**
 * struct raceless_gate_evidence - what a system call met, when it has failed.
 * @met: RACELESS_GATE_MET_….
 * @syscall: enum raceless_gate_syscall.
 * @error: negative errno.
 * @reserved: 0.
 * @since_ns: when it was first known to need a module (CLOCK_MONOTONIC); for a
 *	load, its begin.
 * @module: the one that was dying; empty if not known.
 */
struct raceless_gate_evidence {
	__u32 met;
	__u32 syscall;
	__s32 error;
	__u32 reserved;
	__u64 since_ns;
	char module[RACELESS_GATE_NAME_SIZE];
};

/* Names are passed in an array whose size the verifier can see. */
struct raceless_gate_name {
	char text[RACELESS_GATE_NAME_SIZE];
};

/* Where a task stood: return addresses, innermost first; 0 after the last. */
struct raceless_gate_frames {
	__u64 ip[RACELESS_GATE_MAX_FRAMES];
};

#endif /* _UAPI_RACELESS_GATE_H */
