// SPDX-License-Identifier: GPL-2.0
/*
 * The life of an instance, from init to destroy.
 *
 * slot->state and slot->provider change under slot->lock. A state with an -ING
 * belongs to one task, which alone may leave it: the one in register or in the
 * flight for LOADING, the one in teardown() for the others. Everyone else waits
 * on slot->changed.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "count.h"
#include "flight.h"
#include "hold.h"
#include "instance.h"
#include "owner.h"
#include "stats.h"
#include "trace.h"
#include "wait.h"

/* A wait that cannot end early says so at this interval, in two slices. */
#define COMPLAIN_SLICE (5 * HZ)

static bool polite;
module_param(polite, bool, 0644);
MODULE_PARM_DESC(polite,
		 "rmmod of a provider waits for a normal grace period, not an expedited one");

static struct workqueue_struct *teardown_queue;
static atomic64_t instances; /* numbers given out */
static LIST_HEAD(providers); /* registered; providers_mutex */
static DEFINE_MUTEX(providers_mutex);

/* Under slot->lock. The provider's name and owner are the slot's. */
static u64 enter(struct raceless_slot *slot, enum raceless_state state)
{
	u64 now_ns = ktime_get_ns();
	u64 elapsed_ns = now_ns - slot->since_ns;

	lockdep_assert_held(&slot->lock);
	this_cpu_inc(raceless_counts.transitions[state]);
	trace_raceless_transition(slot->name, slot->instance, slot->owner,
				  slot->state, state, elapsed_ns);
	WRITE_ONCE(slot->state, state);
	slot->since_ns = now_ns;
	return elapsed_ns;
}

static u64 enter_locked(struct raceless_slot *slot, enum raceless_state state)
{
	u64 elapsed_ns;

	spin_lock(&slot->lock);
	elapsed_ns = enter(slot, state);
	spin_unlock(&slot->lock);
	return elapsed_ns;
}

/* Under slot->lock, of a slot that is GONE: init is about to run. */
void raceless_instance_claim(struct raceless_slot *slot,
			     struct raceless_provider *provider)
{
	provider->instance = atomic64_inc_return(&instances);
	slot->provider = provider;
	slot->instance = provider->instance;
	strscpy(slot->owner, provider->owner ? provider->owner->name : "",
		sizeof(slot->owner));
	slot->since_ns = ktime_get_ns();
	enter(slot, RACELESS_LOADING);
}

static void publish(struct raceless_slot *slot,
		    struct raceless_provider *provider)
{
	LIST_HEAD(resolved);
	u32 handed_off;
	u64 init_ns;

	spin_lock(&slot->lock);
	if (rcu_access_pointer(slot->live))
		raceless_broken(slot->name, provider->instance,
				RACELESS_PROMISE_ONE_REACHABLE);
	provider->publish = ++slot->publishes;
	provider->slot = slot; /* registered, before anybody can unload it */
	handed_off = raceless_waiters_hand_off(slot, provider, &resolved);
	slot->handed_off += handed_off;
	init_ns = enter(slot, RACELESS_LIVE);
	trace_raceless_publish(slot->name, provider->instance,
			       provider->publish, handed_off);
	rcu_assign_pointer(slot->live, provider);
	spin_unlock(&slot->lock);

	raceless_waiters_wake(&resolved);
	wake_up_all(&slot->changed);
	raceless_record(LATENCY_INIT, init_ns);
	raceless_count(COUNT_PUBLISHES);
	this_cpu_add(raceless_counts.events[COUNT_HANDED_OFF], handed_off);
}

/*
 * Whoever waits without a flight waited for this init, and has its error; those
 * with a flight get it when that ends. A provider that is registered stays on
 * the slot, for the next flight to try again.
 *
 * If the loader was killed in the middle, the error is about it and not about
 * the provider: a flight begins, or the one in the air tries again.
 */
static void abandon(struct raceless_slot *slot,
		    struct raceless_provider *provider, int error)
{
	bool killed = fatal_signal_pending(current);
	LIST_HEAD(resolved);

	if (killed)
		raceless_owner_disturb();
	spin_lock(&slot->lock);
	slot->init_error = error;
	slot->init_failures++;
	if (killed)
		slot->flight_failures++;
	if (!provider->slot)
		slot->provider = NULL;
	enter(slot, RACELESS_GONE);
	if (killed)
		raceless_flight_kick(slot);
	else if (!slot->flying)
		raceless_waiters_fail(slot, error, &resolved);
	spin_unlock(&slot->lock);

	raceless_waiters_wake(&resolved);
	wake_up_all(&slot->changed);
	raceless_count(COUNT_INIT_FAILURES);
}

/*
 * Runs init on a claimed slot, then publishes. The caller's claim is over when it
 * returns: an unload may begin at once.
 * Return: 0 or init's error.
 */
int raceless_instance_start(struct raceless_slot *slot,
			    struct raceless_provider *provider)
{
	int err;

	raceless_count_arm(provider);
	raceless_op_begin(slot);
	err = provider->ops->init(provider);
	raceless_op_end(slot);
	if (err)
		abandon(slot, provider, err);
	else
		publish(slot, provider);
	return err;
}

/* The point of no return, under slot->lock. Old references stay; see raceless.h. */
static void mark(struct raceless_slot *slot)
{
	lockdep_assert_held(&slot->lock);
	RCU_INIT_POINTER(slot->live, NULL);
	WRITE_ONCE(slot->provider->mode, RACELESS_FOLDED);
	slot->unloads++;
	raceless_count(COUNT_UNLOADS);
	enter(slot, RACELESS_STOPPING);
}

/*
 * Woken by raceless_count_fold() or the last put. It cannot be killed: neither can a
 * module's exit, and the worker has nobody to kill. So it says what it waits for.
 */
static void await_drain(struct raceless_slot *slot,
			struct raceless_provider *provider)
{
	unsigned int slices = 0;

	lock_map_acquire(&slot->map);
	lock_map_release(&slot->map);
	while (!wait_for_completion_timeout(&provider->drained,
					    COMPLAIN_SLICE))
		if (++slices % 2 == 0)
			pr_warn("raceless: %s: unload waits for %ld references since %u s\n",
				slot->name,
				raceless_count_read(provider),
				slices * COMPLAIN_SLICE / HZ);
}

static void wait_grace_period(struct raceless_slot *slot, bool unhurried,
			      struct raceless_teardown *times)
{
	u64 began_ns = ktime_get_ns();

	if (unhurried)
		synchronize_rcu();
	else
		synchronize_rcu_expedited();
	times->grace_ns = ktime_get_ns() - began_ns;
	trace_raceless_grace_period(slot->name, slot->instance, times->grace_ns,
				    !unhurried);
	raceless_record(LATENCY_GRACE, times->grace_ns);
}

/*
 * From the mark to GONE. The steps and who may hold a reference at each are in
 * raceless.h. The provider is not touched after the last enter(): its module may
 * be waiting for just that, to go.
 */
static void teardown(struct raceless_slot *slot, bool unhurried)
{
	struct raceless_provider *provider = slot->provider;
	struct raceless_teardown times = {};
	u64 began_ns = ktime_get_ns();

	raceless_op_begin(slot);
	if (provider->ops->stop)
		provider->ops->stop(provider);
	times.stop_ns = ktime_get_ns() - began_ns;
	raceless_record(LATENCY_STOP, times.stop_ns);
	trace_raceless_stop(slot->name, slot->instance, times.stop_ns);

	wait_grace_period(slot, unhurried, &times);

	enter_locked(slot, RACELESS_DRAINING);
	raceless_count_fold(provider);
	await_drain(slot, provider);

	times.drain_ns = enter_locked(slot, RACELESS_DESTROYING);
	raceless_record(LATENCY_DRAIN, times.drain_ns);
	WRITE_ONCE(provider->destroying, true);
	lock_map_acquire(&slot->map);
	if (provider->ops->destroy)
		provider->ops->destroy(provider);
	lock_map_release(&slot->map);
	raceless_op_end(slot);

	spin_lock(&slot->lock);
	times.destroy_ns = enter(slot, RACELESS_GONE);
	raceless_record(LATENCY_DESTROY, times.destroy_ns);
	raceless_hold_torn_down(slot, &times);
	raceless_flight_kick(slot);
	spin_unlock(&slot->lock);
	wake_up_all(&slot->changed);
}

static void teardown_work(struct work_struct *work)
{
	struct raceless_slot *slot =
		container_of(work, struct raceless_slot, teardown);

	teardown(slot, slot->polite);
	raceless_slot_put(slot);
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

/* Return: 1 (claimed), 0 (wait: a dying instance is in the way), -errno. */
static int try_claim(struct raceless_slot *slot,
		     struct raceless_provider *provider)
{
	int err;

	spin_lock(&slot->lock);
	if (slot->provider) {
		/* the exit of a module that is going detaches it, sooner or later */
		err = slot->leaving || !module_is_live(slot->provider->owner) ?
			      0 :
			      -EEXIST;
	} else if (raceless_hold_forbids(slot)) {
		err = -EBUSY;
	} else {
		raceless_instance_claim(slot, provider);
		err = 1;
	}
	spin_unlock(&slot->lock);
	return err;
}

/* See raceless_register(). */
int __raceless_register(struct raceless_provider *provider,
			struct module *owner)
{
	struct raceless_slot *slot;
	int err, killed;

	might_sleep();
	if (!provider->name || !provider->ops || !provider->ops->init)
		return -EINVAL;
	if (provider->slot)
		return -EBUSY;
	slot = raceless_slot_get(provider->name);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	provider->count = alloc_percpu_gfp(long, GFP_KERNEL_ACCOUNT);
	if (!provider->count) {
		err = -ENOMEM;
		goto err_slot;
	}
	provider->owner = owner;
	init_completion(&provider->drained);

	/* woken by detach(); a task that is killed has claimed nothing */
	killed = wait_event_killable(slot->changed,
				     (err = try_claim(slot, provider)) != 0);
	if (killed) {
		err = -EINTR;
		raceless_owner_disturb();
	}
	if (err < 0)
		goto err_count;

	err = raceless_instance_start(slot, provider);
	if (err)
		goto err_count;
	mutex_lock(&providers_mutex);
	list_add(&provider->registered, &providers);
	mutex_unlock(&providers_mutex);
	return 0;

err_count:
	free_percpu(provider->count);
err_slot:
	raceless_slot_put(slot);
	return err;
}
EXPORT_SYMBOL_GPL(__raceless_register);

/* Marks the instance if it is LIVE. Return: is there nothing to wait for? */
static bool stop_or_gone(struct raceless_slot *slot, bool *marked)
{
	bool settled = true;

	spin_lock(&slot->lock);
	slot->leaving = true;
	if (slot->state == RACELESS_LIVE) {
		mark(slot);
		*marked = true;
	} else if (slot->state != RACELESS_GONE) {
		settled = false;
	}
	spin_unlock(&slot->lock);
	return settled;
}

/* The name is vacant from here on; its waiters get a flight. */
static void detach(struct raceless_slot *slot)
{
	spin_lock(&slot->lock);
	slot->provider = NULL;
	slot->leaving = false;
	raceless_hold_owner_gone(slot);
	raceless_flight_kick(slot);
	spin_unlock(&slot->lock);
	wake_up_all(&slot->changed);
}

/**
 * raceless_unregister() - make a provider unreachable, and destroy it.
 * @provider: one that raceless_register() accepted.
 *
 * Make unreachable, stop, one grace period, drain, destroy: when it returns,
 * nobody runs the provider's code or has a reference on it. If a worker is
 * already doing that, waits for it. A module's exit cannot fail, so the wait
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
	/* woken by publish(), abandon() or teardown(), whoever runs them */
	while (!wait_event_timeout(slot->changed, stop_or_gone(slot, &marked),
				   COMPLAIN_SLICE))
		if (++slices % 2 == 0)
			pr_warn("raceless: %s: unregister waits for an unload since %u s\n",
				slot->name, slices * COMPLAIN_SLICE / HZ);
	if (marked)
		teardown(slot, READ_ONCE(polite));
	mutex_lock(&providers_mutex);
	list_del(&provider->registered);
	mutex_unlock(&providers_mutex);
	detach(slot);

	provider->slot = NULL;
	free_percpu(provider->count);
	raceless_flight_outlast(slot);
}
EXPORT_SYMBOL_GPL(raceless_unregister);

static struct raceless_provider *find_registered(struct module *owner)
{
	struct raceless_provider *provider, *found = NULL;

	mutex_lock(&providers_mutex);
	list_for_each_entry(provider, &providers, registered) {
		if (provider->owner == owner) {
			found = provider;
			break;
		}
	}
	mutex_unlock(&providers_mutex);
	return found;
}

/* A module goes, its exit or failed init is over, and providers of it are left. */
void raceless_unregister_owner(struct module *owner)
{
	struct raceless_provider *provider;

	while ((provider = find_registered(owner))) {
		pr_warn("raceless: module %s left %s registered\n", owner->name,
			provider->name);
		raceless_unregister(provider);
	}
}

int raceless_instances_init(void)
{
	/* a worker each: a drain waits for as long as somebody holds on */
	teardown_queue = alloc_workqueue("raceless_teardown", WQ_UNBOUND, 0);
	return teardown_queue ? 0 : -ENOMEM;
}

void raceless_instances_exit(void)
{
	destroy_workqueue(teardown_queue);
}
