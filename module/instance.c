// SPDX-License-Identifier: GPL-2.0
/*
 * The life of an instance, from init to publish. Its end is in teardown.c.
 *
 * slot->state and slot->provider change under slot->lock. A state with an -ING
 * belongs to one task, which alone may leave it: the one in register or in the
 * flight for LOADING, the one in raceless_teardown() for the others. Everyone else waits
 * on slot->changed; who unregisters, and so waits for many, on raceless_leavers.
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
#include "places.h"
#include "replace.h"
#include "stats.h"
#include "trace.h"
#include "wait.h"

static atomic64_t instances; /* numbers given out */
static LIST_HEAD(providers); /* registered; providers_mutex */
static DEFINE_MUTEX(providers_mutex);

/* Woken below: whoever unregisters waits for many slots at once. */
DECLARE_WAIT_QUEUE_HEAD(raceless_leavers);

/* Under slot->lock. Provider and owner of an instance are its tenure's. */
u64 raceless_instance_enter(struct raceless_slot *slot,
			    struct raceless_tenure *tenure,
			    enum raceless_state state)
{
	u64 now_ns = ktime_get_ns();
	u64 elapsed_ns = now_ns - tenure->since_ns;

	lockdep_assert_held(&slot->lock);
	this_cpu_inc(raceless_counts.transitions[state]);
	trace_raceless_transition(slot->name, tenure->instance, tenure->owner,
				  tenure->state, state, elapsed_ns);
	WRITE_ONCE(tenure->state, state);
	tenure->since_ns = now_ns;
	if (wq_has_sleeper(&raceless_leavers)) /* they look under slot->lock */
		wake_up_all(&raceless_leavers);
	return elapsed_ns;
}

/* Under slot->lock, of a tenure that is GONE: init is about to run. */
void raceless_instance_claim(struct raceless_slot *slot,
			     struct raceless_tenure *tenure,
			     struct raceless_provider *provider)
{
	const char *owner = provider->owner ? provider->owner->name : "";

	/* the flights are to remember one that goes, and of which no load succeeds */
	if (tenure == &slot->tenure && slot->owner[0] &&
	    strcmp(slot->owner, owner) && raceless_owner_busy(slot->owner)) {
		strscpy(slot->elder, slot->owner, sizeof(slot->elder));
		slot->elder_ns = ktime_get_ns();
	}
	provider->instance = atomic64_inc_return(&instances);
	tenure->provider = provider;
	tenure->instance = provider->instance;
	strscpy(tenure->owner, owner, sizeof(tenure->owner));
	tenure->since_ns = ktime_get_ns();
	raceless_instance_enter(slot, tenure, RACELESS_LOADING);
}

/*
 * Makes the slot's instance reachable, with the references of everyone who waits
 * already counted. Under slot->lock; the caller wakes them afterwards.
 */
void raceless_instance_publish(struct raceless_slot *slot,
			       struct list_head *resolved)
{
	struct raceless_provider *provider = slot->provider;
	u32 handed_off;

	provider->publish = ++slot->publishes;
	provider->slot = slot; /* registered, before anybody can unload it */
	handed_off = raceless_waiters_hand_off(slot, provider, resolved);
	slot->handed_off += handed_off;
	raceless_record(LATENCY_INIT,
			raceless_instance_enter(slot, &slot->tenure,
						RACELESS_LIVE));
	trace_raceless_publish(slot->name, provider->instance,
			       provider->publish, handed_off);
	rcu_assign_pointer(slot->live, provider);
	raceless_hold_published(slot);
	raceless_line_hurry(slot);
	raceless_count(COUNT_PUBLISHES);
	this_cpu_add(raceless_counts.events[COUNT_HANDED_OFF], handed_off);
}

static void publish(struct raceless_slot *slot, struct module *pin)
{
	LIST_HEAD(resolved);

	spin_lock(&slot->lock);
	if (rcu_access_pointer(slot->live))
		raceless_broken(slot->name, slot->instance,
				RACELESS_PROMISE_ONE_REACHABLE);
	raceless_instance_publish(slot, &resolved);
	module_put(pin);
	spin_unlock(&slot->lock);

	raceless_waiters_wake(&resolved);
	wake_up_all(&slot->changed);
}

/*
 * Whoever waits without a flight waited for this init, and has its error; those
 * with a flight get it when that ends, or have another one if it was over already.
 * Where the name is held, a flight that is still in the air has nothing to say to
 * anybody, and none is to come: they have the error too. A provider that is
 * registered stays on the slot, for the next flight to try again; one that was
 * revived is superseded again, and in nobody's way.
 *
 * If the loader was killed in the middle, the error is about it and not about
 * the provider: a flight begins, or the one in the air tries again.
 */
static void abandon(struct raceless_slot *slot,
		    struct raceless_provider *provider, int error,
		    struct module *pin, bool revived)
{
	bool killed = fatal_signal_pending(current);
	LIST_HEAD(resolved);

	if (killed)
		raceless_owner_disturb();
	spin_lock(&slot->lock);
	slot->init_failures++;
	if (killed)
		slot->flight_failures++;
	else
		slot->init_error = error;
	if (revived) {
		list_add(&provider->together, &slot->superseded);
		slot->leaving = false; /* who unregisters it takes it from there */
	}
	if (revived || !provider->slot)
		slot->provider = NULL;
	raceless_instance_enter(slot, &slot->tenure, RACELESS_GONE);
	if (killed)
		raceless_flight_kick(slot);
	else if (!slot->flying || slot->hold)
		raceless_waiters_fail(slot, error, &resolved);
	module_put(pin);
	spin_unlock(&slot->lock);

	raceless_waiters_wake(&resolved);
	wake_up_all(&slot->changed);
	raceless_count(COUNT_INIT_FAILURES);
}

/* What init returned, or EINVAL for what nobody could tell from a pointer. */
static int error_of(const struct raceless_provider *provider, int ret)
{
	if (!ret || IS_ERR_VALUE((long)ret))
		return ret;
	pr_warn_ratelimited("raceless: %s: init returned %d, which is no errno\n",
			    provider->name, ret);
	return -EINVAL;
}

/*
 * Runs init of an instance that has claimed its slot, or a place beside the live
 * instance, then publishes. The caller's claim is over when it returns: an unload
 * may begin at once. And so may the end of the provider's module: @pin, a reference
 * on it or NULL (with a place beside always NULL), is put as the claim ends, under
 * slot->lock. Not before: a module that goes between has its instance published
 * with nobody who wants a pin. Nor after: a module whose own init fails waits for
 * the claim, and for no reference, before it is freed. @revived: the provider was
 * superseded.
 * Return: 0 or init's error.
 */
int raceless_instance_start(struct raceless_slot *slot,
			    struct raceless_provider *provider,
			    struct module *pin, bool revived)
{
	/* ours, or that of the predecessor, which stays while our init runs */
	bool beside = READ_ONCE(slot->provider) != provider;
	int err;

	raceless_perturb(RACELESS_POINT_CLAIMED);
	raceless_count_arm(provider);
	raceless_op_begin(slot, RACELESS_OP_MAIN);
	err = error_of(provider, provider->ops->init(provider));
	raceless_op_end(slot, RACELESS_OP_MAIN);
	raceless_perturb(RACELESS_POINT_INITIALISED);
	if (beside)
		raceless_replace_decide(slot, err);
	else if (err)
		abandon(slot, provider, err, pin, revived);
	else
		publish(slot, pin);
	return err;
}

/*
 * Takes the slot, or a place beside its instance if there is @beside.
 * Return: 1 (done), 0 (wait: a dying instance is in the way), -errno.
 */
static int try_claim(struct raceless_slot *slot,
		     struct raceless_provider *provider,
		     struct raceless_beside *beside)
{
	int err;

	spin_lock(&slot->lock);
	if (slot->provider && beside) {
		err = raceless_replace_claim(slot, provider, beside);
	} else if (slot->provider) {
		/* the exit of a module that is going detaches it, sooner or later */
		err = slot->leaving || !module_is_live(slot->provider->owner) ?
			      0 :
			      -EEXIST;
	} else if (slot->beside) {
		err = 0; /* a predecessor, whose successor has gone before it */
	} else if (raceless_hold_forbids(slot)) {
		err = -EBUSY;
	} else {
		raceless_instance_claim(slot, &slot->tenure, provider);
		err = 1;
	}
	spin_unlock(&slot->lock);
	return err;
}

/* See raceless_register(). */
int __raceless_register(struct raceless_provider *provider,
			struct module *owner)
{
	struct raceless_beside *beside = NULL;
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
	if (provider->replace) {
		beside = raceless_beside_alloc(slot);
		if (IS_ERR(beside)) {
			err = PTR_ERR(beside);
			goto err_count;
		}
	}
	provider->owner = owner;
	raceless_count_arm(provider); /* from the claim on it can be read */

	/* woken by each change of the slot; a task that is killed has claimed nothing */
	killed = wait_event_killable(slot->changed,
				     (err = try_claim(slot, provider,
						      beside)) != 0);
	if (killed) {
		err = -EINTR;
		raceless_owner_disturb();
	}
	if (err < 0)
		goto err_beside;

	err = raceless_instance_start(slot, provider, NULL, false);
	raceless_beside_put(beside);
	if (err)
		goto err_count;
	mutex_lock(&providers_mutex);
	list_add(&provider->registered, &providers);
	mutex_unlock(&providers_mutex);
	return 0;

err_beside:
	raceless_beside_put(beside);
err_count:
	free_percpu(provider->count);
err_slot:
	raceless_slot_put(slot);
	return err;
}
EXPORT_SYMBOL_GPL(__raceless_register);

/* Registered no more: on the caller's list, each once, in the order given. */
void raceless_instances_take(struct raceless_provider *const *those,
			     unsigned int nr, struct list_head *taken)
{
	unsigned int i;

	mutex_lock(&providers_mutex);
	for (i = 0; i < nr; i++) {
		if (those[i]->slot)
			list_move_tail(&those[i]->registered, taken);
		else
			pr_warn("raceless: %s is not registered\n",
				those[i]->name ?: "(null)");
	}
	mutex_unlock(&providers_mutex);
}

/* The same with all that the module has registered, the latest first. */
void raceless_instances_take_owned(struct module *owner,
				   struct list_head *taken)
{
	struct raceless_provider *provider, *next;

	mutex_lock(&providers_mutex);
	list_for_each_entry_safe(provider, next, &providers, registered)
		if (provider->owner == owner)
			list_move_tail(&provider->registered, taken);
	mutex_unlock(&providers_mutex);
}
