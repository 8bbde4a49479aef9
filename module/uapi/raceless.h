/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * raceless: the interface of /dev/raceless.
 *
 * A descriptor of /dev/raceless owns what it was given: references that
 * RACELESS_IOC_GET took, and names that RACELESS_IOC_UNLOAD took down. Closing
 * it, also by being killed, drops all of them, so that a process can leak none.
 *
 * Every structure begins with its own size in bytes. A kernel that knows a
 * longer structure reads the missing fields as zero; a kernel that knows a
 * shorter one accepts the longer structure if the fields that it does not know
 * are zero, and fails with E2BIG otherwise, or if it is longer than a page. One
 * that is too short, and reserved fields and unknown flags that are not zero, are
 * EINVAL; what cannot be read or written is EFAULT.
 *
 * Names are 1 to RACELESS_NAME_MAX characters of [a-z0-9_], NUL-terminated;
 * anything else is EINVAL. All times are in nanoseconds.
 */
#ifndef _UAPI_RACELESS_H
#define _UAPI_RACELESS_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RACELESS_DEVICE "/dev/raceless"
#define RACELESS_STATE_FILE "/proc/raceless"
#define RACELESS_HOLDERS_FILE "/proc/raceless_holders"

/* "raceless-" and a name must fit into the kernel's MODULE_NAME_LEN (56). */
#define RACELESS_NAME_MAX 46
#define RACELESS_NAME_SIZE 48

/* Bounds; beyond each is an error, never a wait. */
#define RACELESS_MAX_SLOTS 131072 /* names known at once: ENOSPC */
#define RACELESS_MAX_TEARDOWNS 256 /* unloads by name whose references are not put: EAGAIN */
#define RACELESS_MAX_WAITERS 4096 /* gets that wait for one name: EAGAIN */
#define RACELESS_MAX_REFS_PER_FD 1024 /* references of one descriptor: EMFILE */
#define RACELESS_MAX_HOLDS_PER_FD 64 /* names held by one descriptor: EMFILE */
#define RACELESS_MAX_REFS_PER_USER 65536 /* references and waits: EDQUOT */
#define RACELESS_MAX_CALL_BYTES (1 << 20) /* each way, of one call: EMSGSIZE */
#define RACELESS_MAX_TIMEOUT_NS (3600ULL * 1000000000ULL) /* one hour: EINVAL */

/* The states of an instance, as /proc/raceless and the tracepoints show them. */
enum raceless_state {
	RACELESS_GONE = 0, /* no instance; the name may still be known */
	RACELESS_LOADING = 1, /* the provider's init runs */
	RACELESS_LIVE = 2, /* published: tryget succeeds */
	RACELESS_STOPPING = 3, /* marked: no way back; stop runs, then RCU waits */
	RACELESS_DRAINING = 4, /* no new reference; the last ones are awaited */
	RACELESS_DESTROYING = 5, /* nobody holds a reference; destroy runs */
};

/* Why a get failed. */
enum raceless_reason {
	RACELESS_REASON_NONE = 0,
	RACELESS_REASON_ABSENT = 1, /* tryget: nothing is registered (ENOENT) */
	RACELESS_REASON_UNLOADING = 2, /* tryget: the instance is dying (ENOENT) */
	RACELESS_REASON_FLIGHT = 3, /* the reload failed, with its error */
	RACELESS_REASON_TIMEOUT = 4, /* the caller's time was up (ETIMEDOUT) */
	RACELESS_REASON_KILLED = 5, /* the caller was killed (EINTR) */
	RACELESS_REASON_DEADLOCK = 6, /* the wait leads back to the caller (EDEADLK) */
	RACELESS_REASON_LIMIT = 7, /* a bound was reached (EAGAIN, EDQUOT, ENOSPC) */
	RACELESS_REASON_MEMORY = 8, /* ENOMEM */
	RACELESS_NR_REASONS = 9,
};

/* The promises; a broken one is counted in /proc/raceless and logged. */
enum raceless_promise {
	RACELESS_PROMISE_NONE = 0,
	RACELESS_PROMISE_NO_USE_AFTER_DESTROY = 1,
	RACELESS_PROMISE_ONE_REACHABLE = 2,
	RACELESS_PROMISE_FIRST_PUBLISH = 3,
	RACELESS_PROMISE_ONE_FLIGHT = 4,
	RACELESS_PROMISE_ONE_GRACE_PERIOD = 5,
	RACELESS_PROMISE_LEAVES_NOTHING = 6,
	RACELESS_PROMISE_WEAK_HANDLE = 7,
	RACELESS_PROMISE_BOUNDED = 8,
	RACELESS_NR_PROMISES = 9,
};

/**
 * struct raceless_get - take a reference (RACELESS_IOC_GET).
 * @size: in: sizeof(struct raceless_get).
 * @flags: in: RACELESS_GET_NOWAIT, or 0.
 * @name: in: whose reference.
 * @timeout_ns: in: how long to wait at the most; 0 means 30 seconds. Ignored
 *	with RACELESS_GET_NOWAIT.
 * @ref: out: the descriptor's number for the reference, for CALL and PUT.
 * @reason: out, also on failure: enum raceless_reason.
 * @instance: out: which instance; unique for as long as the module is loaded.
 * @publish: out: this instance was the name's @publish-th publish.
 * @joined: out: publishes of the name before this call began to wait; equal to
 *	@publish if it did not wait, else @publish is @joined + 1 (promise 3). It is
 *	more if a module published while it was going, which none can pin any more.
 * @waited_ns: out: time spent waiting; 0 if it did not wait.
 *
 * The reference pins the provider's module: plain rmmod says "in use".
 *
 * Return: 0; ENOENT (NOWAIT: not there; else: no module provides it), the error
 * of the provider's init, EBUSY (others unload what its modprobe loads, again and
 * again), ETIMEDOUT, EINTR (killed), EDEADLK, EMFILE, EDQUOT, EAGAIN, ENOSPC,
 * ENOMEM, EINVAL, E2BIG, EFAULT.
 */
struct raceless_get {
	__u32 size;
	__u32 flags;
	char name[RACELESS_NAME_SIZE];
	__u64 timeout_ns;
	__u32 ref;
	__u32 reason;
	__u64 instance;
	__u64 publish;
	__u64 joined;
	__u64 waited_ns;
};

#define RACELESS_GET_NOWAIT (1U << 0)

/**
 * struct raceless_put - drop a reference (RACELESS_IOC_PUT).
 * @size: in: sizeof(struct raceless_put).
 * @ref: in: what RACELESS_IOC_GET gave.
 *
 * Return: 0; EBADF (no such reference), EBUSY (a call through it is running in
 * another thread), EINVAL, E2BIG, EFAULT.
 */
struct raceless_put {
	__u32 size;
	__u32 ref;
};

/**
 * struct raceless_call - run a provider's code (RACELESS_IOC_CALL).
 * @size: in: sizeof(struct raceless_call).
 * @flags: in: RACELESS_CALL_BY_NAME, or 0.
 * @ref: in: the reference to use; 0 with RACELESS_CALL_BY_NAME.
 * @op: in: which operation; the provider defines them.
 * @in: in: address of the input.
 * @in_bytes: in: its length.
 * @out: in: address of the room for the output.
 * @out_bytes: in: the room; out: the output's length.
 * @instance: out: the instance that ran it.
 * @name: in, with RACELESS_CALL_BY_NAME: get, call and put in one: a short
 *	reference in the kernel, which does not pin the provider's module.
 * @timeout_ns: in, with RACELESS_CALL_BY_NAME: as in struct raceless_get.
 * @reason: out: as in struct raceless_get.
 * @reserved: in: 0.
 * @publish: out: as in struct raceless_get.
 * @joined: out: as in struct raceless_get.
 * @waited_ns: out: as in struct raceless_get.
 *
 * Return: 0; EBADF, EOPNOTSUPP (the provider has no calls), EMSGSIZE, ENOSPC
 * (the output does not fit), what the provider returns, ENOMEM, EINVAL, E2BIG,
 * EFAULT, and with RACELESS_CALL_BY_NAME what RACELESS_IOC_GET returns, but EMFILE.
 */
struct raceless_call {
	__u32 size;
	__u32 flags;
	__u32 ref;
	__u32 op;
	__u64 in;
	__u64 out;
	__u32 in_bytes;
	__u32 out_bytes;
	__u64 instance;
	char name[RACELESS_NAME_SIZE];
	__u64 timeout_ns;
	__u32 reason;
	__u32 reserved;
	__u64 publish;
	__u64 joined;
	__u64 waited_ns;
};

#define RACELESS_CALL_BY_NAME (1U << 0)

/**
 * struct raceless_unload - stop, drain and destroy a name's instance
 *	(RACELESS_IOC_UNLOAD). Needs CAP_SYS_MODULE.
 * @size: in: sizeof(struct raceless_unload).
 * @flags: in: RACELESS_UNLOAD_HOLD, RACELESS_UNLOAD_POLITE,
 *	RACELESS_UNLOAD_REPLACE, or 0.
 * @name: in: which name.
 * @timeout_ns: in: as in struct raceless_get.
 * @instance: out: which instance was stopped.
 * @stop_ns: out: time in the provider's stop.
 * @grace_ns: out: the grace period.
 * @drain_ns: out: the wait for the last reference.
 * @destroy_ns: out: time in the provider's destroy.
 * @owner: out: name of the module that provided it, for delete_module(2).
 *
 * Afterwards the descriptor holds the name: gets wait. The hold ends when the
 * provider's module is gone, when RACELESS_IOC_RELEASE says so, or when the
 * descriptor is closed; with RACELESS_UNLOAD_HOLD the first of these does not
 * end it. Then, if somebody waits or as soon as somebody asks, the name comes
 * back: by the provider's init if its module is still loaded, else by modprobe.
 *
 * With RACELESS_UNLOAD_REPLACE the hold outlasts the module too, so that no
 * modprobe runs for those who wait; but another module may register the name, and
 * ends the hold when it publishes. If its init fails, those who wait have its
 * error at once, and the hold stays. Not together with RACELESS_UNLOAD_HOLD, with
 * which nobody may register.
 *
 * If the caller is killed or its time is up (EINTR, ETIMEDOUT), the unload goes
 * on without it; the descriptor still holds the name.
 *
 * Return: 0; ENOENT (nothing is registered), EBUSY (loading, unloading, being
 * replaced, or held), EDEADLK (this descriptor holds a reference on it), EAGAIN
 * (RACELESS_MAX_TEARDOWNS requests wait for references to be put: nothing was
 * touched), EPERM, EMFILE, EDQUOT, ETIMEDOUT, EINTR, ENOMEM, EINVAL, E2BIG, EFAULT.
 */
struct raceless_unload {
	__u32 size;
	__u32 flags;
	char name[RACELESS_NAME_SIZE];
	__u64 timeout_ns;
	__u64 instance;
	__u64 stop_ns;
	__u64 grace_ns;
	__u64 drain_ns;
	__u64 destroy_ns;
	char owner[64];
};

#define RACELESS_UNLOAD_HOLD (1U << 0)
#define RACELESS_UNLOAD_POLITE (1U << 1)
#define RACELESS_UNLOAD_REPLACE (1U << 2)

/**
 * struct raceless_release - end a hold (RACELESS_IOC_RELEASE).
 * @size: in: sizeof(struct raceless_release).
 * @flags: in: 0.
 * @name: in: which name.
 *
 * Return: 0; ENOENT (this descriptor does not hold that name), EBUSY (its unload
 * waits in another thread), EINVAL, E2BIG, EFAULT.
 */
struct raceless_release {
	__u32 size;
	__u32 flags;
	char name[RACELESS_NAME_SIZE];
};

/**
 * struct raceless_unload_entry - one name of struct raceless_unload_many.
 * @name: in: which name.
 * @error: out: 0, or the errno that RACELESS_IOC_UNLOAD would fail with.
 * @reserved: out: 0.
 * @instance: out, as the rest: as in struct raceless_unload; 0 and empty if the
 *	name could not be taken down; times 0 if its unload is not over.
 * @stop_ns: time in the provider's stop.
 * @grace_ns: the grace period, which all names shared.
 * @drain_ns: the wait for the last reference, and for the destroys of those names
 *	of the request that drained before it.
 * @destroy_ns: time in the provider's destroy.
 * @owner: name of the module that provided it.
 */
struct raceless_unload_entry {
	char name[RACELESS_NAME_SIZE];
	__u32 error;
	__u32 reserved;
	__u64 instance;
	__u64 stop_ns;
	__u64 grace_ns;
	__u64 drain_ns;
	__u64 destroy_ns;
	char owner[64];
};

/**
 * struct raceless_unload_many - stop, drain and destroy the instances of many
 *	names together (RACELESS_IOC_UNLOAD_MANY). Needs CAP_SYS_MODULE.
 * @size: in: sizeof(struct raceless_unload_many).
 * @flags: in: as in struct raceless_unload; for all.
 * @timeout_ns: in: as in struct raceless_get; for all of them together.
 * @entries: in: address of an array of struct raceless_unload_entry.
 * @nr: in: its length: 1 to RACELESS_MAX_HOLDS_PER_FD.
 * @entry_bytes: in: sizeof(struct raceless_unload_entry); the rules of @size.
 *
 * As RACELESS_IOC_UNLOAD of each, but they share one grace period, and none waits
 * for another's last reference. It is not all or nothing: a name that cannot be
 * taken down, or whose unload is not over in time, says so in its entry, and the
 * others go on. A name that is listed twice is EBUSY the second time.
 *
 * Return: 0, also if no entry succeeded; EPERM, EINVAL, EMFILE (@nr), EAGAIN, ENOMEM,
 * E2BIG: then no name was touched; EFAULT. The request is one of
 * RACELESS_MAX_TEARDOWNS, however many names it has.
 */
struct raceless_unload_many {
	__u32 size;
	__u32 flags;
	__u64 timeout_ns;
	__u64 entries;
	__u32 nr;
	__u32 entry_bytes;
};

/**
 * struct raceless_gate - turn the gate on or off (RACELESS_IOC_GATE). Needs
 *	CAP_SYS_MODULE.
 * @size: in: sizeof(struct raceless_gate).
 * @on: in: 1 or 0.
 *
 * On alone does nothing: BPF programs (bpf/gate.bpf.c) decide when to wait. Off
 * returns when nobody waits any more, and no module is kept for anybody.
 *
 * Return: 0; EINTR (killed; it is off, the last waits are about to end), EBUSY
 * (ftrace is disabled, sysctl kernel.ftrace_enabled), EOPNOTSUPP (a kernel without
 * ftrace), ENOMEM (it stays off), EPERM, EINVAL, E2BIG, EFAULT.
 */
struct raceless_gate {
	__u32 size;
	__u32 on;
};

#define RACELESS_IOC_GET _IOWR('r', 0xe0, struct raceless_get)
#define RACELESS_IOC_PUT _IOW('r', 0xe1, struct raceless_put)
#define RACELESS_IOC_CALL _IOWR('r', 0xe2, struct raceless_call)
#define RACELESS_IOC_UNLOAD _IOWR('r', 0xe3, struct raceless_unload)
#define RACELESS_IOC_RELEASE _IOW('r', 0xe4, struct raceless_release)
#define RACELESS_IOC_UNLOAD_MANY _IOW('r', 0xe5, struct raceless_unload_many)
#define RACELESS_IOC_GATE _IOW('r', 0xe6, struct raceless_gate)

/* Operations of the sample providers. */
#define RACELESS_NULL_OP_CHECK 1 /* check the canary; no input, no output */
#define RACELESS_NULL_OP_VERSION 2 /* the same; output: the version, a __u32 */
#define RACELESS_CODEC_OP_COMPRESS 1
#define RACELESS_CODEC_OP_DECOMPRESS 2
#define RACELESS_FACTORY_OP_CREATE 1 /* input: a name without its NUL */
#define RACELESS_FACTORY_OP_DESTROY 2 /* the same; output: __u64 instance */

/* The factory always has these names, with 0 … KEPT - 1 after the prefix. */
#define RACELESS_FACTORY_KEPT 4
#define RACELESS_FACTORY_KEPT_PREFIX "factory_kept_"

#endif /* _UAPI_RACELESS_H */
