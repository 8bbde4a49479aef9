// SPDX-License-Identifier: GPL-2.0
/*
 * Replacement side by side: a successor's init runs while its predecessor serves;
 * then the slot's pointer goes over from the one to the other in one store, and a
 * worker takes the predecessor down as any other. No get of the name sleeps for
 * it, and no tryget fails.
 *
 * A slot has one instance. The second one is told by slot->beside: until the
 * switch the successor, LOADING, after it the predecessor, STOPPING and so on,
 * until its destroy has returned. (A predecessor may also be parked: destroyed by
 * name, its module still there. Then it stays GONE.) There is no third; while there
 * is a second one
 *  - another register of the name waits, if it has the replace flag too; without
 *    it, it fails with -EEXIST while the slot has an instance, and else waits. So
 *    no init without the flag begins before the predecessor's destroy has
 *    returned, nor does a flight (raceless_flight_kick());
 *  - RACELESS_IOC_UNLOAD says -EBUSY, as to any name that is loading or unloading;
 *  - raceless_unregister() of the predecessor waits: for the successor's init, and
 *    then, if that has taken over, for the worker. It is LIVE, and serves, for as
 *    long as the successor's init runs: that is what makes the switch seamless
 *    also when its module is going;
 *  - raceless_unregister() of the successor waits for nobody but its own users. It
 *    may be over before the predecessor is destroyed. The name is then absent until
 *    that is done too.
 *
 * A predecessor that is gone and still registered is superseded (slot->superseded).
 * It is in nobody's way: the name is vacant when the successor has unregistered,
 * and anybody may register it. But where nobody does, and modprobe brings none,
 * it is what a flight calls the init of (flight.c): its module is loaded, so that
 * modprobe would never bring it again. So a successor that goes, or that fails with
 * another name of its module, leaves no name dead. If that init fails, it is
 * superseded again. If its module goes, it is waited for as the owner of any
 * instance is, once modprobe has failed.
 *
 * At the most two tasks run ops of one name at once: the worker, and whoever runs
 * those of the slot's instance. Both are known to those who look for deadlocks
 * (wait.c). The successor's init counts as the slot's, as the predecessor, LIVE,
 * runs none.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "flight.h"
#include "hold.h"
#include "instance.h"
#include "owner.h"
#include "replace.h"
#include "stats.h"
#include "teardown.h"
#include "trace.h"
#include "wait.h"

struct raceless_beside *raceless_beside_alloc(struct raceless_slot *slot)
{
	struct raceless_beside *beside;
	int err = raceless_teardown_reserve(); /* of the predecessor */

	if (err)
		return ERR_PTR(err);
	beside = kzalloc(sizeof(*beside), GFP_KERNEL_ACCOUNT);
	if (!beside) {
		raceless_teardown_unreserve();
		return ERR_PTR(-ENOMEM);
	}
	beside->slot = slot;
	refcount_set(&beside->refs, 1);
	return beside;
}

/* NULL is all right. */
void raceless_beside_put(struct raceless_beside *beside)
{
	if (!beside || !refcount_dec_and_test(&beside->refs))
		return;
	kfree(beside);
	raceless_teardown_unreserve();
}

/*
 * Under slot->lock; the slot has a provider.
 * Return: 1 (claimed), 0 (wait), -EBUSY (somebody has taken the name down).
 */
int raceless_replace_claim(struct raceless_slot *slot,
			   struct raceless_provider *provider,
			   struct raceless_beside *beside)
{
	if (slot->beside || slot->leaving)
		return 0;
	if (raceless_hold_forbids(slot))
		return -EBUSY;
	/*
	 * No flight is waited for: it may wait for the modprobe that loads us, or for
	 * a worker that does. One that was about to start a parked provider is over.
	 */
	if (slot->state != RACELESS_LIVE && slot->state != RACELESS_GONE)
		return 0;
	slot->beside = beside;
	raceless_instance_claim(slot, &beside->tenure, provider);
	return 1;
}

/*
 * The point of no return for the predecessor, and the publish of the successor.
 * Under one hold of slot->lock, and with one store to slot->live: a tryget finds
 * the one or the other. A section that found the predecessor is waited for by the
 * grace period in the teardown, as after any mark. A predecessor that is parked
 * has been destroyed already, and is superseded at once.
 */
static void switch_over(struct raceless_slot *slot, struct list_head *resolved)
{
	struct raceless_beside *beside = slot->beside;
	bool live = slot->state == RACELESS_LIVE;

	if (rcu_access_pointer(slot->live) != (live ? slot->provider : NULL))
		raceless_broken(slot->name, beside->tenure.instance,
				RACELESS_PROMISE_ONE_REACHABLE);
	if (live)
		raceless_teardown_mark(slot);
	swap(slot->tenure, beside->tenure);
	raceless_instance_publish(slot, resolved);
	raceless_count(COUNT_REPLACEMENTS);
	if (live)
		raceless_teardown_retire(beside);
	else
		raceless_replace_over(slot);
}

/* Under slot->lock: the predecessor is gone, and a place beside it free. */
void raceless_replace_over(struct raceless_slot *slot)
{
	lockdep_assert_held(&slot->lock);
	list_add(&slot->beside->tenure.provider->together, &slot->superseded);
	slot->beside = NULL;
}

/*
 * The predecessor stays, and nobody has seen anything. If it is parked, who asked
 * meanwhile gets a flight, which starts it; but where the name was taken down for
 * this replacement no flight begins, and they have its error, unless the loader was
 * killed: then that is not about the provider.
 */
static void give_up(struct raceless_slot *slot, int error,
		    struct list_head *resolved)
{
	bool killed = fatal_signal_pending(current);

	slot->init_failures++;
	if (killed) {
		raceless_owner_disturb();
		slot->flight_failures++;
	} else {
		slot->init_error = error;
	}
	raceless_instance_enter(slot, &slot->beside->tenure, RACELESS_GONE);
	slot->beside = NULL;
	if (!killed && slot->hold && slot->state == RACELESS_GONE)
		raceless_waiters_fail(slot, error, resolved);
	raceless_flight_kick(slot);
	raceless_count(COUNT_INIT_FAILURES);
	raceless_count(COUNT_REPLACE_FAILURES);
}

/* The successor's init has ended, and the replacement with it. */
void raceless_replace_decide(struct raceless_slot *slot, int error)
{
	LIST_HEAD(resolved);
	u64 from, to, ns;

	spin_lock(&slot->lock);
	from = slot->instance;
	to = slot->beside->tenure.instance;
	ns = ktime_get_ns() - slot->beside->tenure.since_ns;
	if (error)
		give_up(slot, error, &resolved);
	else
		switch_over(slot, &resolved);
	trace_raceless_replace(slot->name, from, to, error, ns);
	spin_unlock(&slot->lock);

	raceless_waiters_wake(&resolved);
	wake_up_all(&slot->changed); /* of who waits in register or unregister */
}
