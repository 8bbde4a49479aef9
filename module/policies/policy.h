/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One struct for each lifecycle policy. All have the same resource, which knows
 * whether it is alive, and takes as long to load and to unload; what differs is
 * who may turn back, who waits, and who is told no.
 */
#ifndef _RACELESS_POLICY_H
#define _RACELESS_POLICY_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/types.h>

/* How long anybody waits for anything: longer than any load of a busy machine. */
#define POLICY_TIMEOUT (30 * HZ)

struct policy_counts {
	atomic64_t instances;
	atomic64_t revivals;
	atomic64_t lost_races;
	atomic64_t contended;
	atomic64_t contended_ns;
	atomic64_t broken;
};

/**
 * struct policy - how one resource comes, is used, and goes.
 * @name: as user space asks for it.
 * @counts: see struct raceless_policy_counts.
 * @init: optional; when the module is loaded. Return: 0 or -errno.
 * @exit: optional; when it is unloaded, after @unload: nobody uses the resource.
 * @load: makes the resource. Return: 0, -EEXIST, -EBUSY (the old one is going),
 *	or another -errno.
 * @unload: destroys it. Return: 0, -ENOENT (it is not there, not yet or not any
 *	more), -EBUSY or -EAGAIN (somebody uses it, and it stays).
 * @get: a reference, with whatever a consumer does to have one. Return: the
 *	resource, or an ERR_PTR: -ENODEV, -ETIMEDOUT, -EINTR, -ENOMEM.
 * @put: drops it.
 *
 * Context: process; may sleep.
 */
struct policy {
	const char *name;
	struct policy_counts *counts;
	int (*init)(void);
	void (*exit)(void);
	int (*load)(void);
	int (*unload)(void);
	struct resource_body *(*get)(void);
	void (*put)(struct resource_body *body);
};

extern const struct policy three_point_policy;
extern const struct policy four_point_policy;
extern const struct policy legacy_policy;
extern const struct policy try_module_get_policy;

/**
 * struct resource_body - one instance of a policy's resource.
 * @state: alive or dead.
 * @users: who is inside now, whatever the policy's own count says.
 * @count: for the policy: its references.
 * @counts: of the policy.
 */
struct resource_body {
	u64 state;
	atomic_t users;
	atomic_t count;
	struct policy_counts *counts;
};

struct resource_body *body_make(struct policy_counts *counts);
void body_stop(struct resource_body *body);
void body_free(struct resource_body *body);
int body_use(struct resource_body *body, unsigned int calls, u64 hold_ns);

/* The part of get that the older policies share: try, load, try once more. */
struct resource_body *
get_or_load(const struct policy *policy,
	    struct resource_body *(*tryget)(void));

#endif /* _RACELESS_POLICY_H */
