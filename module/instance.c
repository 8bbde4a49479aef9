// SPDX-License-Identifier: GPL-2.0
/*
 * The life of an instance, from init to publish. Its end is in teardown.c.
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

static atomic64_t instances; /* numbers given out */
static LIST_HEAD(providers); /* registered; providers_mutex */
static DEFINE_MUTEX(providers_mutex);

/* Under slot->lock. The provider's name and owner are the slot's. */
u64 raceless_instance_enter(struct raceless_slot *slot,
			    enum raceless_state state)
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
	raceless_instance_enter(slot, RACELESS_LOADING);
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
	init_ns = raceless_instance_enter(slot, RACELESS_LIVE);
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
	raceless_instance_enter(slot, RACELESS_GONE);
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

/* Is registered no more. */
void raceless_instance_forget(struct raceless_provider *provider)
{
	mutex_lock(&providers_mutex);
	list_del(&provider->registered);
	mutex_unlock(&providers_mutex);
}

/* One that the module has registered, or NULL. */
struct raceless_provider *raceless_instance_of(struct module *owner)
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
