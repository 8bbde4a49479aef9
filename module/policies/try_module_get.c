// SPDX-License-Identifier: GPL-2.0
/*
 * try_module_get: as Linux has it now. The count of a live module has a base of
 * one, which the unloader takes away; if that leaves a zero, nobody can get it any
 * more, and else the unloader puts it back and is told EAGAIN. While the module is
 * going it is still in the list: a load of it gets EBUSY. Its memory is freed after
 * a grace period.
 *
 * A model, not the kernel's own functions, as those want a module that can be loaded
 * and unloaded; storms on stock modules show the real one.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "policy.h"

#define BASE 1 /* MODULE_REF_BASE */

static struct policy_counts counts;

static struct resource_body __rcu *registered; /* from init to the begin of exit */
static enum { ABSENT, COMING, LIVE, GOING } state; /* module_mutex */
static DEFINE_MUTEX(module_mutex);
static DECLARE_WAIT_QUEUE_HEAD(settled); /* state has left COMING */

/* The lookup, and try_module_get(): fails at a count of zero. */
static struct resource_body *tryget(void)
{
	struct resource_body *body;

	rcu_read_lock();
	body = rcu_dereference(registered);
	if (body && !atomic_inc_not_zero(&body->count))
		body = NULL;
	rcu_read_unlock();
	return body;
}

/*
 * As finished_loading() of the kernel, in the condition of a wait: if the mutex
 * makes the task runnable the wait merely goes around once more.
 */
static int claim(void)
{
	int err = 0;

	sched_annotate_sleep();
	mutex_lock(&module_mutex);
	if (state == ABSENT)
		state = COMING;
	else if (state == COMING)
		err = -EINPROGRESS;
	else
		err = state == LIVE ? -EEXIST : -EBUSY;
	mutex_unlock(&module_mutex);
	return err;
}

static void settle(struct resource_body *body)
{
	mutex_lock(&module_mutex);
	state = body ? LIVE : ABSENT;
	rcu_assign_pointer(registered, body);
	mutex_unlock(&module_mutex);
	wake_up_all(&settled);
}

/* A load that meets another one waits until that has succeeded or failed. */
static int load(void)
{
	struct resource_body *body;
	int err, killed;

	killed = wait_event_killable(settled,
				     (err = claim()) != -EINPROGRESS);
	if (killed)
		return -EINTR;
	if (err)
		return err;
	body = body_make(&counts);
	if (body)
		atomic_set(&body->count, BASE);
	settle(body);
	return body ? 0 : -ENOMEM;
}

/* As try_release_module_ref(). Return: is it ours to destroy? */
static bool release_base(struct resource_body *body)
{
	if (!atomic_sub_return(BASE, &body->count))
		return true;
	/* in use; the last user may put before we have the base back */
	return !atomic_add_unless(&body->count, BASE, 0);
}

static int unload(void)
{
	struct resource_body *body;
	int err = 0;

	mutex_lock(&module_mutex);
	body = rcu_dereference_protected(registered,
					 lockdep_is_held(&module_mutex));
	if (state != LIVE)
		err = -ENOENT; /* or not yet, or another unload has it */
	else if (!release_base(body))
		err = -EAGAIN;
	else
		state = GOING;
	mutex_unlock(&module_mutex);
	if (err)
		return err;

	RCU_INIT_POINTER(registered, NULL); /* the exit unregisters first */
	body_stop(body);
	synchronize_rcu(); /* as free_module() */
	mutex_lock(&module_mutex);
	state = ABSENT;
	mutex_unlock(&module_mutex);
	body_free(body);
	return 0;
}

static struct resource_body *get(void)
{
	return get_or_load(&try_module_get_policy, tryget);
}

static void put(struct resource_body *body)
{
	smp_mb__before_atomic(); /* our uses come before the look that frees it */
	atomic_dec(&body->count);
}

const struct policy try_module_get_policy = {
	.name = "try_module_get",
	.counts = &counts,
	.load = load,
	.unload = unload,
	.get = get,
	.put = put,
};
