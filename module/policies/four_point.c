// SPDX-License-Identifier: GPL-2.0
/*
 * four-point: as Rusty Russell sketched it in September 2002: init, start, stop,
 * destroy. The unloader stops the module, waits until nobody can be on the way in,
 * and looks: if somebody has a reference, or has asked for the stopped module, it
 * starts it again, which cannot fail, and is told EBUSY. Else it destroys it.
 *
 * So there is a way back until the look, and none after it: a request that comes
 * then is in the position of any request for a dying module, and the load gets
 * EBUSY.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "../deadline.h"
#include "policy.h"

static struct policy_counts counts;

static struct resource_body __rcu *started; /* set under lock */
static DEFINE_SPINLOCK(lock); /* protects what follows, up to the blank line */
static enum { ABSENT, COMING, STARTED, STOPPED, DESTROYING } state;
static bool requested; /* of the stopped one */

static DECLARE_WAIT_QUEUE_HEAD(changed); /* state has left COMING or STOPPED */

/* Counted inside an RCU read-side section, which the pause of the unload awaits. */
static struct resource_body *tryget(void)
{
	struct resource_body *body;

	rcu_read_lock();
	body = rcu_dereference(started);
	if (body)
		atomic_inc(&body->count);
	rcu_read_unlock();
	return body;
}

static void start(struct resource_body *body)
{
	lockdep_assert_held(&lock);
	state = STARTED;
	rcu_assign_pointer(started, body);
}

/* Return: 0 (ours to load), or -EINPROGRESS, -EEXIST, -EBUSY. */
static int claim(void)
{
	int err = -EEXIST;

	spin_lock(&lock);
	if (state == ABSENT) {
		state = COMING;
		err = 0;
	} else if (state == COMING) {
		err = -EINPROGRESS;
	} else if (state == DESTROYING) {
		err = -EBUSY;
	}
	spin_unlock(&lock);
	return err;
}

static int load(void)
{
	struct resource_body *body;
	int err, killed;

	killed = wait_event_killable(changed,
				     (err = claim()) != -EINPROGRESS);
	if (killed)
		return -EINTR;
	if (err)
		return err;
	body = body_make(&counts);
	spin_lock(&lock);
	if (body)
		start(body);
	else
		state = ABSENT;
	spin_unlock(&lock);
	wake_up_all(&changed);
	return body ? 0 : -ENOMEM;
}

/* Stops it. Return: 0 or -ENOENT. */
static int stop(struct resource_body **body)
{
	int err = 0;

	spin_lock(&lock);
	*body = rcu_dereference_protected(started, lockdep_is_held(&lock));
	if (state != STARTED) {
		err = -ENOENT; /* or not yet, or another unload has it */
	} else {
		state = STOPPED;
		requested = false;
		RCU_INIT_POINTER(started, NULL);
	}
	spin_unlock(&lock);
	return err;
}

/* The look. Return: did it come back? */
static bool revive(struct resource_body *body)
{
	bool wanted;

	spin_lock(&lock);
	wanted = requested || atomic_read(&body->count);
	if (wanted) {
		start(body);
		atomic64_inc(&counts.revivals);
	} else {
		state = DESTROYING;
	}
	spin_unlock(&lock);
	wake_up_all(&changed);
	return wanted;
}

static int unload(void)
{
	struct resource_body *body;
	int err = stop(&body);

	if (err)
		return err;
	synchronize_rcu_expedited(); /* from here on the count can only fall */
	if (revive(body))
		return -EBUSY;
	body_stop(body);
	spin_lock(&lock);
	state = ABSENT;
	spin_unlock(&lock);
	body_free(body);
	return 0;
}

/* Asks for a stopped one. Return: is it not stopped, or not any more? */
static bool request(void)
{
	bool stopped;

	spin_lock(&lock);
	stopped = state == STOPPED;
	if (stopped)
		requested = true;
	spin_unlock(&lock);
	return !stopped;
}

/* Whoever asked for the stopped one has it when it is started, if it stays. */
static struct resource_body *get(void)
{
	unsigned long deadline = jiffies + POLICY_TIMEOUT;
	struct resource_body *body;
	long left;

	while (!(body = tryget())) {
		if (request())
			return get_or_load(&four_point_policy, tryget);
		left = wait_event_killable_timeout(changed, request(),
						   raceless_time_left(deadline));
		if (left <= 0)
			return ERR_PTR(left ? -EINTR : -ETIMEDOUT);
	}
	return body;
}

static void put(struct resource_body *body)
{
	smp_mb__before_atomic(); /* our uses come before the look that frees it */
	atomic_dec(&body->count);
}

const struct policy four_point_policy = {
	.name = "four-point",
	.counts = &counts,
	.load = load,
	.unload = unload,
	.get = get,
	.put = put,
};
