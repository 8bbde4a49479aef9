// SPDX-License-Identifier: GPL-2.0
/*
 * Getting a reference that may have to be waited for.
 *
 * A waiter lies on its task's stack and in slot->waiters. Whoever ends its wait
 * takes it off the list and marks it resolved under slot->lock, and wakes it
 * after that. A waiter that is killed or whose time is up looks, under the lock,
 * whether it is resolved: if not, it leaves the list and nobody knows it any
 * more; if so, its waker is about to touch it, so it waits for that (no longer
 * than the waker needs from the lock to complete()).
 *
 * Why no wake-up is lost: whenever slot->waiters is not empty, one of these holds,
 * and its end resolves the waiters or starts a flight (raceless_flight_kick()):
 *  - a flight is in the air (slot->flying): it publishes, or fails them;
 *  - an init runs (LOADING): it publishes, or fails them;
 *  - a teardown runs (STOPPING … DESTROYING), or raceless_unregister() has begun
 *    (slot->leaving): both kick at their end;
 *  - the name is held (slot->hold): the hold's end kicks;
 *  - a successor's init runs beside one that is parked (slot->beside): it
 *    publishes, or kicks;
 *  - an instance goes that was replaced (slot->beside), and its successor has gone
 *    before it: the end of its teardown kicks;
 *  - the instance is LIVE but its module is going, and the waiters want a pin:
 *    its exit unregisters, or the module notifier does it.
 */
#include <linux/delay.h>
#include <linux/hashtable.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>

#include "deadline.h"
#include "flight.h"
#include "places.h"
#include "stats.h"
#include "trace.h"
#include "wait.h"

struct waiter {
	struct list_head node; /* slot->waiters, then its waker's list */
	struct hlist_node by_task;
	struct completion done;
	struct raceless_slot *slot;
	struct task_struct *task;
	struct raceless_provider *provider; /* with error: the result */
	int error;
	bool resolved;
	bool pin;
	u64 joined;
};

/*
 * Who waits for whom: slot->op_tasks says which tasks a name depends on, this
 * table which name a task waits for. Both change under deadlock_lock only.
 */
static DEFINE_HASHTABLE(waiters_by_task, 8);
static DEFINE_SPINLOCK(deadlock_lock);

/* The most names that are looked at; a chain forks at a name with two tasks. */
#define MAX_CHAIN 64

static struct waiter *find_waiter(struct task_struct *task)
{
	struct waiter *waiter;

	hash_for_each_possible(waiters_by_task, waiter, by_task,
			       (unsigned long)task)
		if (waiter->task == task && !READ_ONCE(waiter->resolved))
			return waiter;
	return NULL;
}

/*
 * Would a wait for @slot wait for the current task? Each edge is added under
 * deadlock_lock, and the last edge of a circle is always a wait (a task that
 * begins an op does not wait), so that the last one to join sees the circle.
 */
static bool leads_back(struct raceless_slot *slot)
{
	struct raceless_slot *found[MAX_CHAIN];
	unsigned int nr = 0, next = 0, op;
	struct waiter *waiter;

	lockdep_assert_held(&deadlock_lock);
	found[nr++] = slot;
	while (next < nr) {
		slot = found[next++];
		for (op = 0; op < ARRAY_SIZE(slot->op_tasks); op++) {
			if (!slot->op_tasks[op])
				continue;
			if (slot->op_tasks[op] == current)
				return true;
			waiter = find_waiter(slot->op_tasks[op]);
			if (waiter && nr < MAX_CHAIN)
				found[nr++] = waiter->slot;
		}
	}
	return false;
}

/* The current task is about to run an op of a provider of the slot. */
void raceless_op_begin(struct raceless_slot *slot, enum raceless_op op)
{
	spin_lock(&deadlock_lock);
	slot->op_tasks[op] = current;
	spin_unlock(&deadlock_lock);
}

void raceless_op_end(struct raceless_slot *slot, enum raceless_op op)
{
	spin_lock(&deadlock_lock);
	slot->op_tasks[op] = NULL;
	spin_unlock(&deadlock_lock);
}

static void resolve(struct waiter *waiter, struct raceless_provider *provider,
		    int error, struct list_head *resolved)
{
	waiter->provider = provider;
	waiter->error = error;
	WRITE_ONCE(waiter->resolved, true); /* find_waiter() has another lock */
	waiter->slot->nr_waiters--;
	list_move_tail(&waiter->node, resolved);
}

/*
 * Gives everyone who waits a reference on an instance that is not published yet.
 * Counted on this CPU before the pointer is set, so the fold will find them.
 */
u32 raceless_waiters_hand_off(struct raceless_slot *slot,
			      struct raceless_provider *provider,
			      struct list_head *resolved)
{
	struct waiter *waiter, *next;
	u32 handed_off = 0;

	lockdep_assert_held(&slot->lock);
	list_for_each_entry_safe(waiter, next, &slot->waiters, node) {
		/* fails only for a module that publishes while it goes */
		if (waiter->pin && !try_module_get(provider->owner))
			continue;
		resolve(waiter, provider, 0, resolved);
		handed_off++;
	}
	this_cpu_add(*provider->count, handed_off);
	return handed_off;
}

u32 raceless_waiters_fail(struct raceless_slot *slot, int error,
			  struct list_head *resolved)
{
	struct waiter *waiter, *next;
	u32 failed = 0;

	lockdep_assert_held(&slot->lock);
	list_for_each_entry_safe(waiter, next, &slot->waiters, node) {
		resolve(waiter, NULL, error, resolved);
		failed++;
	}
	return failed;
}

void raceless_waiters_wake(struct list_head *resolved)
{
	struct waiter *waiter, *next;

	raceless_perturb(RACELESS_POINT_RESOLVED);
	/* the waiter, on its task's stack, may be gone after complete() */
	list_for_each_entry_safe(waiter, next, resolved, node)
		complete(&waiter->done);
}

/*
 * Puts the waiter on the slot's list, if there is something to wait for.
 * Return: 0, -EAGAIN (too many), -EDEADLK, or 1: look again.
 */
static int join(struct raceless_slot *slot, struct waiter *waiter)
{
	struct raceless_provider *live;
	int err = 0;

	spin_lock(&slot->lock);
	live = rcu_dereference_protected(slot->live,
					 lockdep_is_held(&slot->lock));
	if (live && (!waiter->pin || module_is_live(live->owner))) {
		err = 1;
		goto out;
	}
	if (slot->nr_waiters >= RACELESS_MAX_WAITERS) {
		err = -EAGAIN;
		goto out;
	}
	spin_lock(&deadlock_lock);
	if (leads_back(slot))
		err = -EDEADLK;
	else
		hash_add(waiters_by_task, &waiter->by_task,
			 (unsigned long)waiter->task);
	spin_unlock(&deadlock_lock);
	if (err)
		goto out;
	waiter->joined = slot->publishes;
	list_add_tail(&waiter->node, &slot->waiters);
	slot->nr_waiters++;
	trace_raceless_wait_begin(slot->name, waiter->joined);
	raceless_flight_kick(slot);
out:
	spin_unlock(&slot->lock);
	return err;
}

/* Return: 0 (see waiter->provider and ->error), -ETIMEDOUT or -EINTR. */
static int await(struct raceless_slot *slot, struct waiter *waiter,
		 unsigned long timeout)
{
	long left;
	int err = 0;

	lock_map_acquire(&slot->map);
	lock_map_release(&slot->map);
	left = wait_for_completion_killable_timeout(&waiter->done, timeout);
	if (left <= 0) {
		raceless_perturb(RACELESS_POINT_LEAVING);
		spin_lock(&slot->lock);
		if (!waiter->resolved) {
			list_del(&waiter->node);
			slot->nr_waiters--;
			err = left ? -EINTR : -ETIMEDOUT;
			if (list_empty(&slot->waiters))
				raceless_line_hurry(slot);
		}
		spin_unlock(&slot->lock);
		if (!err)
			wait_for_completion(&waiter->done);
	}
	spin_lock(&deadlock_lock);
	hash_del(&waiter->by_task);
	spin_unlock(&deadlock_lock);
	return err;
}

static enum raceless_reason reason_of(int error)
{
	switch (error) {
	case -EDEADLK:
		return RACELESS_REASON_DEADLOCK;
	case -ETIMEDOUT:
		return RACELESS_REASON_TIMEOUT;
	case -EINTR:
		return RACELESS_REASON_KILLED;
	default:
		return RACELESS_REASON_LIMIT;
	}
}

static enum raceless_reason missing_reason(struct raceless_slot *slot)
{
	return READ_ONCE(slot->state) == RACELESS_GONE ?
		       RACELESS_REASON_ABSENT :
		       RACELESS_REASON_UNLOADING;
}

static struct raceless_provider *fail(struct raceless_slot *slot,
				      struct raceless_ask *ask,
				      enum raceless_reason reason, int error)
{
	ask->reason = reason;
	raceless_get_failed(slot->name, reason, error);
	return ERR_PTR(error);
}

/* A reference without waiting. NULL: there is none, or its owner is going. */
static struct raceless_provider *take_now(struct raceless_slot *slot,
					  struct raceless_ask *ask)
{
	struct raceless_provider *provider = __raceless_tryget(slot);

	if (!provider)
		return NULL;
	if (ask->pin && !try_module_get(provider->owner)) {
		raceless_put(provider);
		return NULL;
	}
	ask->instance = provider->instance;
	ask->publish = provider->publish;
	ask->joined = provider->publish;
	return provider;
}

static unsigned long time_left(unsigned long timeout, unsigned long deadline)
{
	if (timeout == MAX_SCHEDULE_TIMEOUT)
		return timeout;
	return raceless_time_left(deadline);
}

/*
 * Joins, or finds out why not. A module that is LIVE with a reference count of
 * zero is being deleted, or was about to be and is not: nobody would wake us in
 * the latter case, so look again soon.
 * Return: 0 (joined), -errno, or 1: look again.
 */
static int join_or_doze(struct raceless_slot *slot, struct waiter *waiter,
			unsigned long left)
{
	int err = join(slot, waiter);

	if (err != 1 || !waiter->pin)
		return err;
	if (fatal_signal_pending(current))
		return -EINTR;
	if (!left)
		return -ETIMEDOUT;
	raceless_count(COUNT_DOZES);
	usleep_range(200, 400);
	return 1;
}

/* Context: process. Return: the provider, or ERR_PTR(-ENOENT). */
struct raceless_provider *raceless_ask_now(struct raceless_slot *slot,
					   struct raceless_ask *ask)
{
	struct raceless_provider *provider;

	ask->reason = RACELESS_REASON_NONE;
	ask->waited_ns = 0;
	provider = take_now(slot, ask);
	return provider ?: fail(slot, ask, missing_reason(slot), -ENOENT);
}

/* Context: process; may sleep; killable. Return: the provider or an ERR_PTR. */
struct raceless_provider *raceless_ask(struct raceless_slot *slot,
				       struct raceless_ask *ask)
{
	unsigned long deadline = jiffies + ask->timeout;
	struct raceless_provider *provider;
	struct waiter waiter = {
		.slot = slot,
		.task = current,
		.pin = ask->pin,
	};
	u64 began_ns;
	int err;

	might_sleep();
	ask->reason = RACELESS_REASON_NONE;
	ask->waited_ns = 0;
	init_completion(&waiter.done);
	do {
		provider = take_now(slot, ask);
		if (provider)
			return provider;
		raceless_perturb(RACELESS_POINT_MISSED);
		err = join_or_doze(slot, &waiter,
				   time_left(ask->timeout, deadline));
	} while (err == 1);
	if (err)
		return fail(slot, ask, reason_of(err), err);

	began_ns = ktime_get_ns();
	err = await(slot, &waiter, time_left(ask->timeout, deadline));
	ask->waited_ns = ktime_get_ns() - began_ns;
	raceless_count(COUNT_WAITS);
	if (!err && !waiter.error) {
		/* the reference is ours: the provider stays */
		provider = waiter.provider;
		ask->instance = provider->instance;
		ask->publish = provider->publish;
		ask->joined = waiter.joined;
		raceless_record(LATENCY_WAIT, ask->waited_ns);
		trace_raceless_wait(slot->name, ask->instance, ask->waited_ns,
				    0);
		return provider;
	}
	trace_raceless_wait(slot->name, 0, ask->waited_ns, err ?: waiter.error);
	if (err)
		return fail(slot, ask, reason_of(err), err);
	return fail(slot, ask, RACELESS_REASON_FLIGHT, waiter.error);
}

/**
 * raceless_get() - take a reference; wait and load if need be.
 * @slot: from raceless_slot_get().
 * @timeout: in jiffies; MAX_SCHEDULE_TIMEOUT waits for as long as it takes.
 *
 * If the name is absent or dying, joins its flight or starts one, and returns
 * with a reference on the first instance that is published after that. The
 * reference is short: it does not pin the provider's module, whose exit waits
 * for it.
 *
 * Who ends the wait: the publish, the flight's failure, a fatal signal, or the
 * timeout. Each leaves nothing behind.
 *
 * Context: process; may sleep; killable.
 * Return: the provider, or an ERR_PTR: -ENOENT (no module provides it), the
 * error of the provider's init or of the kernel's module request, -ETIMEDOUT,
 * -EINTR, -EDEADLK (called from an op whose end it would wait for), -EAGAIN (too
 * many wait), -EBUSY (others unload what its modprobe loads, each time).
 */
struct raceless_provider *raceless_get(struct raceless_slot *slot,
				       unsigned long timeout)
{
	struct raceless_ask ask = { .timeout = timeout };

	return raceless_ask(slot, &ask);
}
EXPORT_SYMBOL_GPL(raceless_get);

/**
 * raceless_get_pinned() - take a reference to keep.
 * @slot: from raceless_slot_get().
 * @timeout: as for raceless_get().
 *
 * As raceless_get(), and pins the provider's module until raceless_put_pinned():
 * rmmod says "in use". For what may last: a descriptor's reference, or one that
 * a provider has on another.
 *
 * Context: process; may sleep; killable.
 * Return: as raceless_get().
 */
struct raceless_provider *raceless_get_pinned(struct raceless_slot *slot,
					      unsigned long timeout)
{
	struct raceless_ask ask = { .timeout = timeout, .pin = true };

	return raceless_ask(slot, &ask);
}
EXPORT_SYMBOL_GPL(raceless_get_pinned);

/**
 * raceless_put_pinned() - drop a reference of raceless_get_pinned().
 * @provider: what it returned.
 *
 * Context: any but NMI; never from the provider's own code.
 */
void raceless_put_pinned(struct raceless_provider *provider)
{
	/* the count still keeps the module: its exit waits for the put below */
	module_put(provider->owner);
	raceless_put(provider);
}
EXPORT_SYMBOL_GPL(raceless_put_pinned);

/* Out of line, for raceless_tryget(). */
void raceless_tryget_failed(struct raceless_slot *slot)
{
	raceless_get_failed(slot->name, missing_reason(slot), -ENOENT);
}
EXPORT_SYMBOL_GPL(raceless_tryget_failed);
