/* SPDX-License-Identifier: GPL-2.0 */
/*
 * raceless: providers that can be unloaded while they are in use.
 *
 * A module *provides* something under a name; others *consume* it by that name.
 * The registry lets the provider's module go at any time: it makes the provider
 * unreachable, lets those who are inside finish, and only then destroys it.
 * Those who ask meanwhile wait, and continue with the next instance, which the
 * registry loads for them.
 *
 * When to use it
 *
 * For something that is found by name, that may be unloaded, reloaded or
 * replaced while others want it, and whose consumers would rather wait than
 * fail. A get and put cost two preempt-off sections, an increment and a decrement
 * of this CPU's own count; no shared cache line is written.
 *
 * When not to use it
 *
 * - Where the consumer cannot be told that the provider is gone (memory mapped
 *   into user space, hardware that does DMA): the registry knows references, not
 *   mappings.
 * - For one consumer that holds one provider for a long time: try_module_get()
 *   does that, and costs 8 bytes less.
 * - For objects by the million: a slot is a few hundred bytes, and an instance
 *   has one word per possible CPU.
 *
 * A provider, whole
 *
 *	static int hello_init(struct raceless_provider *p) { return 0; }
 *	static void hello_destroy(struct raceless_provider *p) { }
 *	static const struct raceless_ops hello_ops = {
 *		.init = hello_init,
 *		.destroy = hello_destroy,
 *	};
 *	static struct raceless_provider hello = {
 *		.name = "hello",
 *		.ops = &hello_ops,
 *	};
 *
 *	static int __init hello_module_init(void)
 *	{
 *		return raceless_register(&hello);
 *	}
 *
 *	static void __exit hello_module_exit(void)
 *	{
 *		raceless_unregister(&hello);
 *	}
 *
 *	module_init(hello_module_init);
 *	module_exit(hello_module_exit);
 *	MODULE_ALIAS_RACELESS("hello");
 *
 * raceless_register() is the last step of the module's init that can fail: others
 * run the provider's code from its publish on, which is before it returns 0. It is
 * not to be unregistered before that.
 *
 * A module with many names registers one after the other, and unregisters them
 * together, so that they share one grace period:
 *
 *	for (i = 0; i < ARRAY_SIZE(hellos); i++) {
 *		err = raceless_register(hellos[i]);
 *		if (err) {
 *			raceless_unregister_all(hellos, i);
 *			return err;
 *		}
 *	}
 *	...
 *	raceless_unregister_all(hellos, ARRAY_SIZE(hellos));
 *
 * A consumer, whole
 *
 *	slot = raceless_slot_get("hello");	// weak: survives any reload
 *	...
 *	p = raceless_tryget(slot);		// any context: now or not at all
 *	p = raceless_get(slot, 30 * HZ);	// process context: waits, loads
 *	... container_of(p, struct hello, provider) ...
 *	raceless_put(p);
 *	...
 *	raceless_slot_put(slot);
 *
 * How an instance ends, step by step, and who may still hold a reference
 *
 * 1. The mark. Under the slot's lock, the slot's pointer becomes NULL and the
 *    count's mode becomes "folded". There is no way back. Old holders keep their
 *    references; a tryget that read the pointer before may still succeed.
 * 2. stop(). The provider makes its own sleepers let go. References as in 1.
 * 3. One RCU grace period, for all instances that are stopped together. It covers
 *    every tryget and put that began before the mark (both are preempt-off
 *    sections, which RCU waits for): from here on nobody gets a new reference,
 *    and nobody touches the per-CPU counts.
 * 4. The fold. The counts of all possible CPUs are added up into one biased
 *    atomic. Puts since the mark are already in it.
 * 5. The drain. Exactly one decrement, the fold's or the last put's, takes the
 *    atomic to zero and completes the drain. The drainer waits for that
 *    completion and never looks at the count: a drainer that polled could free
 *    the provider under the feet of the last put.
 * 6. destroy(). Nobody holds a reference, nobody runs the provider's code, but
 *    for what the provider started itself: it flushes its own timers, work and
 *    RCU callbacks here.
 * 7. The name is vacant, unless another instance has replaced this one: then the
 *    mark was the moment at which the pointer went over to that. Waiting gets
 *    start one flight, which calls init again if the module is still loaded, and
 *    else runs modprobe for the alias "raceless-NAME", once the old module has
 *    left the module list.
 *
 * At publish the order is: init() has returned 0, the references of everyone who
 * waits are counted, then the pointer is set. So an unload that begins at once
 * drains the waiters rather than racing them.
 *
 * What is not promised: that a tryget that fails will succeed soon; that two
 * gets give the same instance; any order among waiters.
 */
#ifndef _RACELESS_H
#define _RACELESS_H

#include <linux/atomic.h>
#include <linux/llist.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "perturb.h"
#include "uapi/raceless.h"

struct raceless_beside;
struct raceless_drain;
struct raceless_hold;
struct raceless_provider;

/*
 * The name that modprobe finds the module by. Do not call the module itself
 * raceless_NAME: to modprobe '-' and '_' are the same, so it would find it by its
 * own name, past any blacklist in modprobe.d (those are for aliases).
 */
#define MODULE_ALIAS_RACELESS(name) MODULE_ALIAS("raceless-" name)

/**
 * struct raceless_request - one call that came through /dev/raceless.
 * @op: the operation, a number of the provider's own.
 * @in: the input, in kernel memory.
 * @in_bytes: its length; at most RACELESS_MAX_CALL_BYTES.
 * @out: room for the output, in kernel memory, zeroed.
 * @out_bytes: in: the room; out: the length of the output.
 */
struct raceless_request {
	u32 op;
	const void *in;
	u32 in_bytes;
	void *out;
	u32 out_bytes;
};

/**
 * struct raceless_ops - a provider's three points, and its calls.
 * @init: makes the provider ready. Return: 0 or -errno, which whoever waits for
 *	it gets. May sleep, may fail: then nothing was ever visible and destroy is
 *	not called. It runs in raceless_register(), and again, in a worker, when
 *	the name is wanted after RACELESS_IOC_UNLOAD or raceless_park(), or after
 *	the provider that took its place has gone.
 * @stop: optional. The provider can no longer be reached by name; existing
 *	references are still in use. May sleep; cannot fail. Wake here whoever
 *	sleeps inside the provider.
 * @destroy: nobody holds a reference. May sleep; cannot fail. Flush timers,
 *	work and RCU callbacks here.
 * @call: optional. Runs a call from user space, under a reference. May sleep.
 *	Return: 0 or -errno.
 *
 * The registry knows which task runs init, stop or destroy: a get in there
 * whose wait leads back to the same task fails with -EDEADLK.
 */
struct raceless_ops {
	int (*init)(struct raceless_provider *provider);
	void (*stop)(struct raceless_provider *provider);
	void (*destroy)(struct raceless_provider *provider);
	int (*call)(struct raceless_provider *provider,
		    struct raceless_request *request);
};

/* Where a reference is counted: on this CPU, or, after the mark, in one atomic. */
enum raceless_mode { RACELESS_COUNTING, RACELESS_FOLDED };

/**
 * struct raceless_provider - what a module registers; embed it in your own.
 * @name: 1 to RACELESS_NAME_MAX characters of [a-z0-9_].
 * @ops: see struct raceless_ops.
 * @replace: optional; take over from the instance of that name that is there, see
 *	raceless_register() and RACELESS_PARAM_REPLACE().
 *
 * Zero it, set these, and leave the rest to the registry. It must stay until
 * raceless_unregister() has returned.
 */
struct raceless_provider {
	const char *name;
	const struct raceless_ops *ops;
	bool replace;
	/* private: */
	long __percpu *count;
	enum raceless_mode mode; /* written under slot->lock */
	bool destroying; /* set when destroy is about to run */
	atomic_long_t folded; /* biased until the fold */
	struct raceless_drain *drain; /* set by the fold */
	struct llist_node drained; /* drain->ended, by whoever zeroes folded */
	struct list_head together; /* those torn down together; or superseded */
	u64 stop_ns; /* of the teardown under way */
	struct raceless_slot *slot; /* NULL when not registered */
	struct module *owner;
	u64 instance;
	u64 publish;
	struct list_head registered; /* all, under a mutex; or those that leave */
};

/**
 * struct raceless_slot - the permanent object of a name: a weak handle.
 *
 * It outlives any number of instances and stays for as long as somebody knows
 * it. All members are private to the registry; the first is the one that
 * raceless_tryget() reads.
 */
struct raceless_slot {
	/* private: */
	/* a cache line: all that finding it by name and taking a reference read */
	struct raceless_provider __rcu *live; /* the fast path; set under lock */
	struct rhash_head node;
	char name[RACELESS_NAME_SIZE]; /* zeros after its end */

	spinlock_t lock; /* protects what follows, up to op_tasks */

	struct_group_tagged(raceless_tenure, tenure, /* of an instance */
		struct raceless_provider *provider; /* or parked; see replace.c */
		enum raceless_state state;
		u64 instance;
		u64 since_ns; /* when it entered its state */
		char owner[MODULE_NAME_LEN]; /* of the last instance */
	);
	struct raceless_beside *beside; /* the second instance; see replace.c */
	struct list_head superseded; /* registered, replaced, gone; latest first */
	/* owner of the last of them to unregister, or of who had the name before */
	char elder[MODULE_NAME_LEN];
	u64 elder_ns; /* when it became that */
	bool leaving; /* raceless_unregister() has begun, not yet detached */
	bool flying; /* the flight's work is queued, runs, or stands in the line */
	bool called; /* in there; places_lock of places.c */
	struct list_head in_line; /* for a place among the modprobes; the same */
	struct raceless_hold *hold;
	struct list_head waiters;
	u32 nr_waiters;
	int init_error; /* of the last init that failed */
	u64 publishes;
	u64 init_failures;
	u64 unloads;
	u64 flights;
	u64 flight_errors;
	u64 modprobes;
	u64 handed_off;
	u64 flight_publishes; /* publishes when the flight took off */
	u64 flight_failures; /* init_failures then */
	u64 flight_ns; /* when it took off */
	u64 flight_tried_ns; /* when its last attempt began */
	u32 flight_tries;
	u32 flight_last_try;
	bool flight_awaits_elder; /* before its next attempt */
	bool flight_met_elder; /* it was going as that attempt began */
	bool flight_quiet; /* nothing got in the way of that attempt */
	bool flight_in_place; /* it called the init of a parked provider */
	u8 outlasted; /* 2^n jiffies until the next look at the owner that goes */

	struct task_struct *op_tasks[2]; /* run ops; see wait.h; deadlock_lock */
	wait_queue_head_t changed; /* woken when state, provider or hold change */
	struct delayed_work flight;
	struct delayed_work outlast; /* keeps us while the owner is going */
	struct rcu_work free;
	refcount_t refs;
	struct lockdep_map map;
	struct lock_class_key key;
};

struct raceless_slot *raceless_slot_get(const char *name);
void raceless_slot_put(struct raceless_slot *slot);

struct raceless_provider *__must_check raceless_tryget_name(const char *name);

int __must_check __raceless_register(struct raceless_provider *provider,
				     struct module *owner);
void raceless_unregister_all(struct raceless_provider *const *providers,
			     unsigned int nr);
int __must_check raceless_park(struct raceless_provider *provider);

struct raceless_provider *__must_check raceless_get(struct raceless_slot *slot,
						    unsigned long timeout);
struct raceless_provider *__must_check
raceless_get_pinned(struct raceless_slot *slot, unsigned long timeout);
void raceless_put_pinned(struct raceless_provider *provider);

void raceless_report_broken(struct raceless_provider *provider,
			    enum raceless_promise promise);

/* Out of line, for the inline functions below only. */
void raceless_tryget_failed(struct raceless_slot *slot);
void raceless_put_folded(struct raceless_provider *provider);

/**
 * raceless_register() - initialise a provider and make it reachable.
 * @provider: see struct raceless_provider.
 *
 * Waits until a dying instance of the same name is destroyed, runs init, hands a
 * reference to everyone who waits for the name, and publishes. Make it the last
 * step of your module's init that can fail.
 *
 * With @provider->replace, an instance that is live (the predecessor) is no
 * obstacle: init runs beside it, while it serves. Then the name goes over to
 * @provider in one store: no get sleeps for it, no tryget fails. The predecessor
 * is stopped, drained and destroyed by a worker, however long somebody holds a
 * reference on it; this does not wait for that. If init fails, the predecessor
 * stays, and nobody has noticed. If its provider is still registered when
 * @provider unregisters, its init is called again for who asks for the name, where
 * modprobe brings no other. There are never more than two instances: another
 * replacement waits until the predecessor is destroyed. If there is no instance,
 * @replace changes nothing. What the predecessor knows, init may ask it: a get of
 * the own name returns it.
 *
 * Context: process; may sleep; killable while it waits.
 * Return: 0, -EEXIST (another module provides that name), -EBUSY (the name is
 * held down, or this provider is registered already), -EINVAL (the name, or no
 * init), -ENOMEM, -ENOSPC, -EINTR, with @replace -EAGAIN (RACELESS_MAX_TEARDOWNS
 * wait for references to be put), or what init returned; -EINVAL if that is no errno.
 */
#define raceless_register(provider) __raceless_register(provider, THIS_MODULE)

/**
 * RACELESS_PARAM_REPLACE() - the module parameter that `raceless load` sets.
 * @provider: the module's struct raceless_provider, a static one.
 *
 * Gives the module a parameter "replace", which is @provider's member: loaded
 * with replace=1, the module takes over from the one that provides the name, side
 * by side. It needs a module name of its own for that, and no alias
 * (MODULE_ALIAS_RACELESS()) until it is installed in the other's place: the next
 * autoload would find either of them.
 */
#define RACELESS_PARAM_REPLACE(provider)                                       \
	module_param_named(replace, (provider).replace, bool, 0444);           \
	MODULE_PARM_DESC(replace,                                              \
			 "take over from the instance of this name that is there")

/**
 * raceless_unregister() - make a provider unreachable, and destroy it.
 * @provider: one that raceless_register() accepted.
 *
 * raceless_unregister_all() of one. A module that registered more than one uses
 * that, and waits for one grace period rather than for one each.
 *
 * Context: as there.
 */
static inline void raceless_unregister(struct raceless_provider *provider)
{
	raceless_unregister_all(&provider, 1);
}

/* The reference itself, or NULL; says nothing when it fails. */
static __always_inline struct raceless_provider *
__raceless_tryget(struct raceless_slot *slot)
{
	struct raceless_provider *provider;

	/*
	 * The preempt-off section is the RCU read-side section that the grace
	 * period of the unload waits for. A pointer that is not NULL in here
	 * means that the fold has yet to come and will find our increment, so
	 * the mode needs no test.
	 */
	preempt_disable();
	provider = rcu_dereference_sched(slot->live);
	raceless_perturb(RACELESS_POINT_TRYGET);
	if (likely(provider))
		this_cpu_inc(*provider->count);
	preempt_enable();
	return provider;
}

/**
 * raceless_tryget() - take a reference if the provider is there now.
 * @slot: from raceless_slot_get().
 *
 * NULL means: behave as if it were not registered. It is absent, or its unload
 * has begun.
 *
 * Context: any but NMI. No lock, no atomic, no fence.
 * Return: the provider, or NULL.
 */
static __always_inline __must_check struct raceless_provider *
raceless_tryget(struct raceless_slot *slot)
{
	struct raceless_provider *provider = __raceless_tryget(slot);

	if (unlikely(!provider))
		raceless_tryget_failed(slot);
	return provider;
}

/**
 * raceless_put() - drop a reference.
 * @provider: from raceless_tryget(), raceless_tryget_name() or raceless_get();
 *	what raceless_get_pinned() gave goes to raceless_put_pinned().
 *
 * The provider may be gone when this returns, with its module: never call it
 * from the provider's own code.
 *
 * Context: any but NMI.
 */
static __always_inline void raceless_put(struct raceless_provider *provider)
{
	/*
	 * Mode and count in one section: if the mode is still "counting", the
	 * grace period after the mark waits for this section, and the fold finds
	 * the decrement. Were the mode tested before the section, the decrement
	 * could come after the fold, and the drain would wait for ever.
	 */
	preempt_disable();
	if (likely(READ_ONCE(provider->mode) == RACELESS_COUNTING)) {
		raceless_perturb(RACELESS_POINT_PUT);
		this_cpu_dec(*provider->count);
	} else {
		raceless_put_folded(provider);
	}
	preempt_enable();
}

#endif /* _RACELESS_H */
