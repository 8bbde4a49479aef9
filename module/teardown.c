// SPDX-License-Identifier: GPL-2.0
/*
 * The end of instances, from the mark to destroy, and the vacant name after it.
 * The steps and who may hold a reference at each are in raceless.h; who may change
 * a slot's state, in instance.c.
 *
 * Instances that are torn down together are a batch, and share one grace period.
 * One alone is a batch of one. Who unregisters may mark more while these drain; they
 * share another. What they wait for, and who wakes them:
 *  - all of them, for the stop of each, one after the other, and for RCU;
 *  - each for its last put, which puts it on the batch's list of the drained. They
 *    are destroyed in the order in which they drain, and each name is vacant as
 *    soon as its own instance is destroyed. So a drain that lasts keeps nobody,
 *    and an instance whose destroy drops a reference on another of the batch may
 *    come before or after it;
 *  - each for the destroys of those that drained before it.
 * An op that would wait for the name of another in its batch waits for the task
 * that runs it: its get fails with -EDEADLK. A consumer that holds one and waits
 * for another gets that one when it is vacant, or its timeout.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "count.h"
#include "flight.h"
#include "hold.h"
#include "holder.h"
#include "instance.h"
#include "replace.h"
#include "stats.h"
#include "teardown.h"
#include "trace.h"
#include "wait.h"

/* A wait that cannot end early says so at this interval. */
#define COMPLAIN_INTERVAL (10 * HZ)

/* So many of a batch are named, when it does. */
#define MAX_COMPLAINTS 8

bool raceless_polite;
module_param_named(polite, raceless_polite, bool, 0644);
MODULE_PARM_DESC(polite,
		 "rmmod of a provider waits for a normal grace period, not an expedited one");

static struct workqueue_struct *teardown_queue;
static atomic_t nr_teardowns = ATOMIC_INIT(0); /* of the queue, from before the mark */

void raceless_batch_init(struct raceless_batch *batch, enum raceless_op op,
			 bool polite, bool unregisters)
{
	INIT_LIST_HEAD(&batch->marked);
	INIT_LIST_HEAD(&batch->draining);
	raceless_drain_init(&batch->drain);
	batch->since = jiffies;
	batch->complaints = 0;
	batch->grace_ns = 0;
	batch->nr = 0;
	batch->op = op;
	batch->polite = polite;
	batch->unregisters = unregisters;
}

static void add(struct raceless_batch *batch,
		struct raceless_provider *provider)
{
	list_add_tail(&provider->together, &batch->marked);
	batch->nr++;
}

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

/* Under slot->lock: marks the instance, which is LIVE, and none takes its place. */
void raceless_batch_mark(struct raceless_batch *batch,
			 struct raceless_slot *slot)
{
	RCU_INIT_POINTER(slot->live, NULL);
	raceless_teardown_mark(slot);
	add(batch, slot->provider);
}

/* Old references are still in use. Wakes whoever sleeps inside the provider. */
static void stop(struct raceless_provider *provider)
{
	u64 began_ns = ktime_get_ns();

	raceless_perturb(RACELESS_POINT_MARKED);
	if (provider->ops->stop)
		provider->ops->stop(provider);
	provider->stop_ns = ktime_get_ns() - began_ns;
	raceless_record(LATENCY_STOP, provider->stop_ns);
	trace_raceless_stop(provider->name, provider->instance,
			    provider->stop_ns);
}

/* One for all that are marked. */
static void wait_grace_period(struct raceless_batch *batch)
{
	struct raceless_provider *first =
		list_first_entry(&batch->marked, struct raceless_provider,
				 together);
	u64 began_ns = ktime_get_ns();

	if (batch->polite)
		synchronize_rcu();
	else
		synchronize_rcu_expedited();
	batch->grace_ns = ktime_get_ns() - began_ns;
	trace_raceless_grace_period(first->name, first->instance, batch->nr,
				    batch->grace_ns, !batch->polite);
	batch->nr = 0;
	raceless_record(LATENCY_GRACE, batch->grace_ns);
	raceless_perturb(RACELESS_POINT_GRACE_OVER);
}

/* From here on the last put ends the drain; it may be over already. */
static void fold(struct raceless_provider *provider,
		 struct raceless_batch *batch)
{
	enter_locked(provider, RACELESS_DRAINING);
	/* what follows waits for those who use it */
	lock_map_acquire(&provider->slot->map);
	lock_map_release(&provider->slot->map);
	raceless_count_fold(provider, &batch->drain);
}

static void complain(struct raceless_batch *batch)
{
	unsigned long seconds = (jiffies - batch->since) / HZ;
	struct raceless_provider *provider;
	unsigned int nr = 0;

	list_for_each_entry(provider, &batch->draining, together) {
		if (++nr > MAX_COMPLAINTS)
			continue;
		pr_warn("raceless: %s: unload waits for %ld references since %lu s\n",
			provider->name, raceless_count_read(provider), seconds);
		raceless_holders_log(provider);
	}
	if (nr > MAX_COMPLAINTS)
		pr_warn("raceless: unloads of %u more names wait for references\n",
			nr - MAX_COMPLAINTS);
}

/*
 * Woken by raceless_count_fold() or a last put; NULL if there is none in time. It
 * cannot be killed: neither can a module's exit, and the worker has nobody to kill.
 * So it says what it waits for.
 */
static struct raceless_provider *await_drain(struct raceless_batch *batch,
					     unsigned long timeout)
{
	struct raceless_provider *provider =
		raceless_drain_await(&batch->drain, timeout);

	if (provider) {
		batch->since = jiffies;
		batch->complaints = 0;
	} else if (time_after_eq(jiffies, batch->since +
			(batch->complaints + 1) * COMPLAIN_INTERVAL)) {
		complain(batch);
		batch->complaints++;
	}
	return provider;
}

/*
 * Nobody holds a reference. The provider is not touched after the lock under which
 * the last enter is, unless it is ours to unregister: its module may be waiting for
 * just that, to go.
 */
static void destroy(struct raceless_provider *provider,
		    const struct raceless_batch *batch)
{
	struct raceless_teardown times = {
		.stop_ns = provider->stop_ns,
		.grace_ns = batch->grace_ns,
	};
	struct raceless_slot *slot = provider->slot;

	times.drain_ns = enter_locked(provider, RACELESS_DESTROYING);
	raceless_record(LATENCY_DRAIN, times.drain_ns);
	WRITE_ONCE(provider->destroying, true);
	lock_map_acquire(&slot->map);
	if (provider->ops->destroy)
		provider->ops->destroy(provider);
	lock_map_release(&slot->map);
	raceless_perturb(RACELESS_POINT_DESTROYED);
	raceless_op_end(slot, batch->op);

	spin_lock(&slot->lock);
	times.destroy_ns = raceless_instance_enter(slot,
						   tenure_of(slot, provider),
						   RACELESS_GONE);
	raceless_record(LATENCY_DESTROY, times.destroy_ns);
	if (batch->op == RACELESS_OP_BESIDE)
		raceless_replace_over(slot);
	else
		raceless_hold_torn_down(slot, &times);
	raceless_flight_kick(slot);
	spin_unlock(&slot->lock);
	wake_up_all(&slot->changed);
}

/*
 * The name is vacant from here on; its waiters get a flight. Not if another has
 * replaced the provider: then it is none of our business any more.
 */
void raceless_teardown_vacate(struct raceless_provider *provider)
{
	struct raceless_slot *slot = provider->slot;

	raceless_perturb(RACELESS_POINT_VACATING);
	spin_lock(&slot->lock);
	if (slot->provider == provider) {
		slot->provider = NULL;
		slot->leaving = false;
		raceless_hold_owner_gone(slot);
		raceless_flight_kick(slot);
	}
	spin_unlock(&slot->lock);
	wake_up_all(&slot->changed);

	provider->slot = NULL;
	free_percpu(provider->count);
	raceless_flight_outlast(slot);
}

/* Those that are marked, from there to their drain. */
static void begin_drains(struct raceless_batch *batch)
{
	struct raceless_provider *provider;

	if (list_empty(&batch->marked))
		return;
	/* an op of one may wait for another: see them all before the first runs */
	list_for_each_entry(provider, &batch->marked, together)
		raceless_op_begin(provider->slot, batch->op);
	list_for_each_entry(provider, &batch->marked, together)
		stop(provider);
	wait_grace_period(batch);
	list_for_each_entry(provider, &batch->marked, together)
		fold(provider, batch);
	list_splice_tail_init(&batch->marked, &batch->draining);
	batch->since = jiffies;
	batch->complaints = 0;
}

static void end_one(struct raceless_batch *batch,
		    struct raceless_provider *provider)
{
	struct raceless_slot *slot = provider->slot;

	list_del(&provider->together);
	destroy(provider, batch);
	if (batch->unregisters)
		raceless_teardown_vacate(provider);
	else
		raceless_slot_put(slot);
	cond_resched();
}

/*
 * For who may have more to mark, soon: from the mark to the drain of all, and to GONE
 * of those that drain in time. Return: is none left?
 */
bool raceless_teardown_for(struct raceless_batch *batch, unsigned long timeout)
{
	unsigned long end = jiffies + timeout;
	struct raceless_provider *provider;
	long left;

	begin_drains(batch);
	while (!list_empty(&batch->draining)) {
		left = end - jiffies;
		if (left <= 0)
			return false;
		provider = await_drain(batch, left);
		if (provider)
			end_one(batch, provider);
	}
	return true;
}

/* From the mark to GONE, all of them. */
void raceless_teardown(struct raceless_batch *batch)
{
	while (!raceless_teardown_for(batch, COMPLAIN_INTERVAL))
		;
}

static void teardown_work(struct work_struct *work)
{
	struct raceless_batch *batch =
		container_of(work, struct raceless_batch, work);

	raceless_teardown(batch);
	kfree(batch);
	raceless_teardown_unreserve();
}

/*
 * A place in the queue, from before the mark to the end of the teardown. A worker
 * sits in each until the last reference is put, and what one waits for may be put
 * by another's destroy: so none is queued that would not begin at once.
 *
 * Return: 0 or -EAGAIN.
 */
int raceless_teardown_reserve(void)
{
	if (atomic_inc_return(&nr_teardowns) <= RACELESS_MAX_TEARDOWNS)
		return 0;
	atomic_dec(&nr_teardowns);
	return -EAGAIN;
}

void raceless_teardown_unreserve(void)
{
	atomic_dec(&nr_teardowns);
}

/*
 * For unloads by name: a worker tears down, so that it ends whoever dies, and the
 * provider stays on its slot. The owner module needs no pin: its exit waits in
 * raceless_unregister() until the worker has entered GONE.
 *
 * Return: the batch, -EAGAIN or -ENOMEM.
 */
struct raceless_batch *raceless_batch_alloc(bool polite)
{
	struct raceless_batch *batch;
	int err = raceless_teardown_reserve();

	if (err)
		return ERR_PTR(err);
	batch = kmalloc(sizeof(*batch), GFP_KERNEL_ACCOUNT);
	if (!batch) {
		raceless_teardown_unreserve();
		return ERR_PTR(-ENOMEM);
	}
	raceless_batch_init(batch, RACELESS_OP_MAIN, polite, false);
	INIT_WORK(&batch->work, teardown_work);
	return batch;
}

/*
 * Under slot->lock: marks an instance whose provider is to stay. The batch must be
 * torn down, or queued, soon: others wait for the end of each of its instances.
 */
void raceless_batch_mark_name(struct raceless_batch *batch,
			      struct raceless_slot *slot)
{
	raceless_batch_mark(batch, slot);
	refcount_inc(&slot->refs); /* raceless_teardown() puts it */
}

/* Hands it to the worker. */
void raceless_batch_queue(struct raceless_batch *batch)
{
	queue_work(teardown_queue, &batch->work);
}

static void retire_work(struct work_struct *work)
{
	struct raceless_beside *beside =
		container_of(work, struct raceless_beside, retire);
	struct raceless_batch batch;

	raceless_batch_init(&batch, RACELESS_OP_BESIDE,
			    READ_ONCE(raceless_polite), false);
	add(&batch, beside->tenure.provider);
	raceless_teardown(&batch);
	raceless_beside_put(beside);
}

/*
 * Takes down an instance that has been replaced, and so marked. Under slot->lock.
 * Its owner needs no pin, as in raceless_batch_alloc().
 */
void raceless_teardown_retire(struct raceless_beside *beside)
{
	refcount_inc(&beside->refs);
	refcount_inc(&beside->slot->refs); /* raceless_teardown() puts it */
	INIT_WORK(&beside->retire, retire_work);
	queue_work(teardown_queue, &beside->retire);
}

int raceless_teardowns_init(void)
{
	/*
	 * A worker each: a drain waits for as long as somebody holds on. So many run
	 * for each CPU; of an unbound queue it is, from 6.9 on, so many for all, of
	 * which a node has the share of its CPUs that are online.
	 */
	BUILD_BUG_ON(RACELESS_MAX_TEARDOWNS > WQ_MAX_ACTIVE);
	teardown_queue = alloc_workqueue("raceless_teardown",
					 WQ_CPU_INTENSIVE | RACELESS_WQ_PERCPU,
					 RACELESS_MAX_TEARDOWNS);
	return teardown_queue ? 0 : -ENOMEM;
}

void raceless_teardowns_exit(void)
{
	destroy_workqueue(teardown_queue);
}
