// SPDX-License-Identifier: GPL-2.0
/*
 * The end of an instance, from the mark to destroy, and the vacant name after it.
 * The steps and who may hold a reference at each are in raceless.h; who may change
 * a slot's state, in instance.c.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "count.h"
#include "flight.h"
#include "hold.h"
#include "instance.h"
#include "replace.h"
#include "stats.h"
#include "teardown.h"
#include "trace.h"
#include "wait.h"

/* A wait that cannot end early says so at this interval, in two slices. */
#define COMPLAIN_SLICE (5 * HZ)

static bool polite;
module_param(polite, bool, 0644);
MODULE_PARM_DESC(polite,
		 "rmmod of a provider waits for a normal grace period, not an expedited one");

static struct workqueue_struct *teardown_queue;

/* Under slot->lock: where an instance that goes is told of. */
static struct raceless_tenure *tenure_of(struct raceless_slot *slot,
					 const struct raceless_provider *going)
{
	return raceless_replace_retires(slot, going) ? &slot->beside->tenure :
						       &slot->tenure;
}

static u64 enter_locked(struct raceless_provider *provider,
			enum raceless_state state)
{
	struct raceless_slot *slot = provider->slot;
	u64 elapsed_ns;

	spin_lock(&slot->lock);
	elapsed_ns = raceless_instance_enter(slot, tenure_of(slot, provider),
					     state);
	spin_unlock(&slot->lock);
	return elapsed_ns;
}

/*
 * The point of no return, under slot->lock. Old references stay; see raceless.h.
 * The caller takes the pointer to the instance out of slot->live, or replaces it.
 */
void raceless_teardown_mark(struct raceless_slot *slot)
{
	lockdep_assert_held(&slot->lock);
	WRITE_ONCE(slot->provider->mode, RACELESS_FOLDED);
	slot->unloads++;
	raceless_count(COUNT_UNLOADS);
	raceless_instance_enter(slot, &slot->tenure, RACELESS_STOPPING);
}

/* Under slot->lock: marks the instance, and none takes its place. */
static void mark(struct raceless_slot *slot)
{
	RCU_INIT_POINTER(slot->live, NULL);
	raceless_teardown_mark(slot);
}

/* Old references are still in use. Wakes whoever sleeps inside the provider. */
static void stop(struct raceless_provider *provider,
		 struct raceless_teardown *times)
{
	u64 began_ns = ktime_get_ns();

	if (provider->ops->stop)
		provider->ops->stop(provider);
	times->stop_ns = ktime_get_ns() - began_ns;
	raceless_record(LATENCY_STOP, times->stop_ns);
	trace_raceless_stop(provider->name, provider->instance, times->stop_ns);
}

static void wait_grace_period(struct raceless_provider *provider,
			      bool unhurried, struct raceless_teardown *times)
{
	u64 began_ns = ktime_get_ns();

	if (unhurried)
		synchronize_rcu();
	else
		synchronize_rcu_expedited();
	times->grace_ns = ktime_get_ns() - began_ns;
	trace_raceless_grace_period(provider->name, provider->instance,
				    times->grace_ns, !unhurried);
	raceless_record(LATENCY_GRACE, times->grace_ns);
}

/*
 * Woken by raceless_count_fold() or the last put. It cannot be killed: neither can a
 * module's exit, and the worker has nobody to kill. So it says what it waits for.
 */
static void await_drain(struct raceless_provider *provider)
{
	unsigned int slices = 0;

	lock_map_acquire(&provider->slot->map);
	lock_map_release(&provider->slot->map);
	while (!wait_for_completion_timeout(&provider->drained,
					    COMPLAIN_SLICE))
		if (++slices % 2 == 0)
			pr_warn("raceless: %s: unload waits for %ld references since %u s\n",
				provider->name, raceless_count_read(provider),
				slices * COMPLAIN_SLICE / HZ);
}

/* Nobody holds a reference. */
static void destroy(struct raceless_provider *provider)
{
	WRITE_ONCE(provider->destroying, true);
	lock_map_acquire(&provider->slot->map);
	if (provider->ops->destroy)
		provider->ops->destroy(provider);
	lock_map_release(&provider->slot->map);
}

/*
 * From the mark to GONE. The steps and who may hold a reference at each are in
 * raceless.h. The provider is not touched after the last enter: its module may be
 * waiting for just that, to go.
 */
static void teardown(struct raceless_provider *provider, bool unhurried,
		     enum raceless_op op)
{
	struct raceless_slot *slot = provider->slot;
	struct raceless_teardown times = {};

	raceless_op_begin(slot, op);
	stop(provider, &times);
	wait_grace_period(provider, unhurried, &times);

	enter_locked(provider, RACELESS_DRAINING);
	raceless_count_fold(provider);
	await_drain(provider);

	times.drain_ns = enter_locked(provider, RACELESS_DESTROYING);
	raceless_record(LATENCY_DRAIN, times.drain_ns);
	destroy(provider);
	raceless_op_end(slot, op);

	spin_lock(&slot->lock);
	times.destroy_ns = raceless_instance_enter(slot,
						   tenure_of(slot, provider),
						   RACELESS_GONE);
	raceless_record(LATENCY_DESTROY, times.destroy_ns);
	if (op == RACELESS_OP_BESIDE)
		slot->beside = NULL;
	else
		raceless_hold_torn_down(slot, &times);
	raceless_flight_kick(slot);
	spin_unlock(&slot->lock);
	wake_up_all(&slot->changed);
}

static void teardown_work(struct work_struct *work)
{
	struct raceless_slot *slot =
		container_of(work, struct raceless_slot, teardown);

	teardown(slot->provider, slot->polite, RACELESS_OP_MAIN);
	raceless_slot_put(slot);
}

static void retire_work(struct work_struct *work)
{
	struct raceless_beside *beside =
		container_of(work, struct raceless_beside, retire);
	struct raceless_slot *slot = beside->slot;

	teardown(beside->tenure.provider, READ_ONCE(polite),
		 RACELESS_OP_BESIDE);
	raceless_beside_put(beside);
	raceless_slot_put(slot);
}

/*
 * Takes down an instance that has been replaced. Under slot->lock. Its owner needs
 * no pin, as in raceless_teardown_queue().
 */
void raceless_teardown_retire(struct raceless_beside *beside)
{
	refcount_inc(&beside->refs);
	refcount_inc(&beside->slot->refs);
	INIT_WORK(&beside->retire, retire_work);
	queue_work(teardown_queue, &beside->retire);
}

void raceless_teardown_prepare(struct raceless_slot *slot)
{
	INIT_WORK(&slot->teardown, teardown_work);
}

/*
 * Marks the live instance and leaves the rest to a worker, so that it ends
 * whoever dies. Under slot->lock. The owner module needs no pin: its exit waits
 * in raceless_unregister() until the worker has entered GONE.
 */
void raceless_teardown_queue(struct raceless_slot *slot, bool unhurried)
{
	mark(slot);
	slot->polite = unhurried;
	refcount_inc(&slot->refs);
	queue_work(teardown_queue, &slot->teardown);
}

/*
 * Marks the instance if it is LIVE and the slot's: not one that has been
 * replaced, or is about to be. Return: is there nothing to wait for?
 */
static bool stop_or_gone(struct raceless_provider *provider, bool *marked)
{
	struct raceless_slot *slot = provider->slot;
	bool settled = true;

	spin_lock(&slot->lock);
	if (slot->provider != provider) {
		settled = !raceless_replace_retires(slot, provider);
		goto out;
	}
	if (raceless_replace_pending(slot)) {
		settled = false;
		goto out;
	}
	slot->leaving = true;
	if (slot->state == RACELESS_LIVE) {
		mark(slot);
		*marked = true;
	} else if (slot->state != RACELESS_GONE) {
		settled = false;
	}
out:
	spin_unlock(&slot->lock);
	return settled;
}

/*
 * The name is vacant from here on; its waiters get a flight. Not if another has
 * replaced the provider: then it is none of our business any more.
 */
static void detach(struct raceless_slot *slot,
		   struct raceless_provider *provider)
{
	spin_lock(&slot->lock);
	if (slot->provider == provider) {
		slot->provider = NULL;
		slot->leaving = false;
		raceless_hold_owner_gone(slot);
		raceless_flight_kick(slot);
	}
	spin_unlock(&slot->lock);
	wake_up_all(&slot->changed);
}

/**
 * raceless_unregister() - make a provider unreachable, and destroy it.
 * @provider: one that raceless_register() accepted.
 *
 * Make unreachable, stop, one grace period, drain, destroy: when it returns,
 * nobody runs the provider's code or has a reference on it. If a worker is
 * already doing that, or another's init runs that is to replace @provider, waits
 * for it. A module's exit cannot fail, so the wait
 * cannot be killed; every 10 s the log says for how many references it waits.
 *
 * Context: process; may sleep. Not from the provider's own ops, and not while
 * the caller holds a reference.
 */
void raceless_unregister(struct raceless_provider *provider)
{
	struct raceless_slot *slot = provider->slot;
	unsigned int slices = 0;
	bool marked = false;

	might_sleep();
	if (!slot) {
		pr_warn("raceless: %s is not registered\n",
			provider->name ?: "(null)");
		return;
	}
	/*
	 * woken by publish(), abandon(), raceless_replace_decide() or teardown(),
	 * whoever runs them
	 */
	while (!wait_event_timeout(slot->changed,
				   stop_or_gone(provider, &marked),
				   COMPLAIN_SLICE))
		if (++slices % 2 == 0)
			pr_warn("raceless: %s: unregister waits for an unload or a replacement since %u s\n",
				slot->name, slices * COMPLAIN_SLICE / HZ);
	if (marked)
		teardown(provider, READ_ONCE(polite), RACELESS_OP_MAIN);
	raceless_instance_forget(provider);
	detach(slot, provider);

	provider->slot = NULL;
	free_percpu(provider->count);
	raceless_flight_outlast(slot);
}
EXPORT_SYMBOL_GPL(raceless_unregister);

/* Return: 0 (marked), -ENOENT or -EBUSY. */
static int mark_to_park(struct raceless_slot *slot,
			struct raceless_provider *provider)
{
	int err = 0;

	spin_lock(&slot->lock);
	if (slot->provider != provider || slot->leaving || slot->hold ||
	    slot->beside) {
		err = -EBUSY;
	} else if (slot->state == RACELESS_GONE) {
		err = -ENOENT;
	} else if (slot->state != RACELESS_LIVE) {
		err = -EBUSY;
	} else {
		mark(slot);
		refcount_inc(&slot->refs);
	}
	spin_unlock(&slot->lock);
	return err;
}

/**
 * raceless_park() - destroy a provider's instance, and keep the provider.
 * @provider: one that raceless_register() accepted.
 *
 * The same steps as raceless_unregister(), but the name does not become vacant:
 * who asks for it next, or waits for it now, has the provider's init called again.
 * For a provider that gives back what nobody uses. Somebody must see to it that it
 * is not unregistered meanwhile.
 *
 * Context: process; may sleep, and cannot be killed. Not from the provider's own
 * ops, and not while the caller holds a reference.
 * Return: 0, -ENOENT (it has no instance), -EBUSY (it is loading, unloading, held
 * or being replaced).
 */
int raceless_park(struct raceless_provider *provider)
{
	struct raceless_slot *slot = provider->slot;
	int err;

	might_sleep();
	err = mark_to_park(slot, provider);
	if (err)
		return err;
	teardown(provider, READ_ONCE(polite), RACELESS_OP_MAIN);
	raceless_slot_put(slot);
	return 0;
}
EXPORT_SYMBOL_GPL(raceless_park);

/* A module goes, its exit or failed init is over, and providers of it are left. */
void raceless_unregister_owner(struct module *owner)
{
	struct raceless_provider *provider;

	while ((provider = raceless_instance_of(owner))) {
		pr_warn("raceless: module %s left %s registered\n", owner->name,
			provider->name);
		raceless_unregister(provider);
	}
}

int raceless_teardowns_init(void)
{
	/* a worker each: a drain waits for as long as somebody holds on */
	teardown_queue = alloc_workqueue("raceless_teardown", WQ_UNBOUND, 0);
	return teardown_queue ? 0 : -ENOMEM;
}

void raceless_teardowns_exit(void)
{
	destroy_workqueue(teardown_queue);
}
