// SPDX-License-Identifier: GPL-2.0
/*
 * legacy: as 2.4 had it. One lock for all modules, a use count, and a flag that
 * says that the module is being deleted: try_inc_mod_count() fails once it is set,
 * and it is set only while the count is zero. The unloader is told EBUSY as long as
 * anybody uses the module. A load finds the name taken until the old one is gone.
 */
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

#include "policy.h"

static struct policy_counts counts;

/* What try_inc_mod_count() and sys_delete_module() met on: of all modules. */
static DEFINE_SPINLOCK(unload_lock);
static struct resource_body *present; /* unload_lock; also while it is deleted */
static bool deleted; /* unload_lock */
static DEFINE_MUTEX(load_mutex); /* stands for the big kernel lock */

static void lock(void)
	__acquires(unload_lock)
{
	u64 began_ns;

	if (spin_trylock(&unload_lock))
		return;
	began_ns = ktime_get_ns();
	spin_lock(&unload_lock);
	atomic64_inc(&counts.contended);
	atomic64_add(ktime_get_ns() - began_ns, &counts.contended_ns);
}

static struct resource_body *tryget(void)
{
	struct resource_body *body = NULL;

	lock();
	if (present && !deleted) {
		body = present;
		atomic_inc(&body->count);
	}
	spin_unlock(&unload_lock);
	return body;
}

static int load(void)
{
	struct resource_body *body;
	bool exists;
	int err = 0;

	mutex_lock(&load_mutex);
	lock();
	exists = present;
	spin_unlock(&unload_lock);
	body = exists ? NULL : body_make(&counts);
	if (body) {
		lock();
		present = body;
		spin_unlock(&unload_lock);
	} else {
		err = exists ? -EEXIST : -ENOMEM;
	}
	mutex_unlock(&load_mutex);
	return err;
}

static int unload(void)
{
	struct resource_body *body;
	int err = 0;

	lock();
	body = present;
	if (!body || deleted)
		err = -ENOENT;
	else if (atomic_read(&body->count))
		err = -EBUSY;
	else
		deleted = true;
	spin_unlock(&unload_lock);
	if (err)
		return err;

	body_stop(body); /* nobody has it, and nobody can get it */
	lock();
	present = NULL;
	deleted = false;
	spin_unlock(&unload_lock);
	body_free(body);
	return 0;
}

static struct resource_body *get(void)
{
	return get_or_load(&legacy_policy, tryget);
}

/* As __MOD_DEC_USE_COUNT(): without the lock. */
static void put(struct resource_body *body)
{
	smp_mb__before_atomic(); /* our uses come before the look that frees it */
	atomic_dec(&body->count);
}

const struct policy legacy_policy = {
	.name = "legacy",
	.counts = &counts,
	.load = load,
	.unload = unload,
	.get = get,
	.put = put,
};
