// SPDX-License-Identifier: GPL-2.0
/*
 * Leases: a reference on a module that has just come to life while somebody
 * wants one, so that it is not deleted before they had their chance.
 *
 * Taken at LIVE, when the loader still has its own reference; never at COMING,
 * where an init that fails frees the module whatever its count. A lease ends when
 * all calls have ended that were known at its begin, and at the latest with its
 * bound, by a work of its own: then the module is an ordinary one. A delete that
 * meets nothing but leases waits for their end (deleter.c), since its user has no
 * part in them; to whoever looks at the count, the module is in use.
 *
 * Who holds a lease: the list alone; who takes it out of there puts the module, under
 * the same lock.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "gate.h"

struct lease {
	struct list_head node;
	struct module *module; /* counted */
	u64 id; /* for calls with a smaller one */
	u64 deadline_ns;
	bool timed; /* for somebody who is no call that we know */
};

/* Of whom no end is seen: what such a lease lasts, unless leases end sooner. */
#define TIMED_LEASE_NS (200 * NSEC_PER_MSEC)
#define LOOK_AGAIN (HZ / 50 ?: 1) /* for deadlines that have passed */

static LIST_HEAD(leases); /* this and the next one: raceless_gate_lock */
static unsigned int nr_leases;

static void end_leases(struct work_struct *work)
{
	raceless_gate_leases_check();
}

static DECLARE_DELAYED_WORK(lease_work, end_leases);

/* Context: process, may sleep; the loader of the module, which has just started. */
void raceless_gate_lease_take(struct module *module)
{
	u64 bound = raceless_gate_bound_ns(&raceless_gate_lease_ms);
	bool requested = raceless_gate_is_helper();
	struct lease *lease;
	bool wanted;

	if (!READ_ONCE(raceless_gate_enabled) || !bound)
		return;
	/* who waits for this load was known before it began */
	if (!requested && !raceless_gate_calls_nr())
		return;
	lease = kmalloc(sizeof(*lease), GFP_KERNEL);
	if (!lease) {
		raceless_gate_count_open(RACELESS_GATE_OPEN_MEMORY);
		return;
	}
	lease->module = module;
	spin_lock(&raceless_gate_lock);
	lease->id = raceless_gate_next_id();
	lease->timed = !raceless_gate_older_calls(lease->id, NULL);
	lease->deadline_ns = ktime_get_ns() +
			     (lease->timed ? min(bound, TIMED_LEASE_NS) : bound);
	wanted = raceless_gate_enabled &&
		 (!lease->timed || requested);
	if (wanted && nr_leases >= RACELESS_GATE_MAX_LEASES) {
		raceless_gate_count_open(RACELESS_GATE_OPEN_LIMIT);
		wanted = false;
	}
	if (wanted) {
		__module_get(module);
		list_add_tail(&lease->node, &leases);
		nr_leases++;
		raceless_gate_count(GATE_LEASES, module->name, -1);
	}
	spin_unlock(&raceless_gate_lock);
	if (wanted)
		queue_delayed_work(system_wq, &lease_work, LOOK_AGAIN);
	else
		kfree(lease);
}

static bool ended(const struct lease *lease, u64 now)
{
	if (!raceless_gate_enabled)
		return true;
	if (!lease->timed && !raceless_gate_older_calls(lease->id, NULL))
		return true;
	if (now < lease->deadline_ns)
		return false;
	if (!lease->timed)
		raceless_gate_count(GATE_LEASE_TIMEOUTS, lease->module->name,
				    -1);
	return true;
}

/*
 * Under the lock: whoever drops the leases of a module that goes knows then that
 * each of them was put.
 */
static void end(struct lease *lease, struct list_head *over)
{
	lockdep_assert_held(&raceless_gate_lock);
	list_move(&lease->node, over);
	nr_leases--;
	module_put(lease->module);
}

/* Any context that may take a lock, without ours: deleters look at leases under it. */
void raceless_gate_leases_free(struct list_head *over)
{
	struct lease *lease, *next;

	if (list_empty(over))
		return;
	list_for_each_entry_safe(lease, next, over, node)
		kfree(lease);
	wake_up_all(&raceless_gate_calls_changed);
}

/*
 * Is the module in use by nothing but leases? Ends those that are over, which the
 * caller frees after the lock. Under the lock.
 */
bool raceless_gate_leased(const char *name, struct list_head *over)
{
	struct module *module = NULL;
	struct lease *lease, *next;
	u64 now = ktime_get_ns();
	int nr = 0;

	lockdep_assert_held(&raceless_gate_lock);
	list_for_each_entry_safe(lease, next, &leases, node) {
		if (strcmp(lease->module->name, name))
			continue;
		if (ended(lease, now)) {
			end(lease, over);
			continue;
		}
		module = lease->module; /* there, as long as the lease is */
		nr++;
	}
	return module && module_refcount(module) <= nr;
}

/*
 * Those on a module that goes in spite of them: a forced delete does not care for
 * references. Before its memory goes. May sleep.
 */
void raceless_gate_leases_drop(const struct module *module)
{
	struct lease *lease, *next;
	LIST_HEAD(over);

	spin_lock(&raceless_gate_lock);
	list_for_each_entry_safe(lease, next, &leases, node)
		if (lease->module == module)
			end(lease, &over);
	spin_unlock(&raceless_gate_lock);
	raceless_gate_leases_free(&over);
}

/* Any context that may take the lock. */
void raceless_gate_leases_check(void)
{
	struct lease *lease, *next;
	u64 now = ktime_get_ns();
	LIST_HEAD(over);

	if (!READ_ONCE(nr_leases))
		return;
	spin_lock(&raceless_gate_lock);
	list_for_each_entry_safe(lease, next, &leases, node)
		if (ended(lease, now))
			end(lease, &over);
	if (nr_leases)
		queue_delayed_work(system_wq, &lease_work, LOOK_AGAIN);
	spin_unlock(&raceless_gate_lock);
	raceless_gate_leases_free(&over);
}

unsigned int raceless_gate_leases_nr(void)
{
	return READ_ONCE(nr_leases);
}

/* After `enabled` is false, so that none is added. */
void raceless_gate_leases_clear(void)
{
	raceless_gate_leases_check();
	cancel_delayed_work_sync(&lease_work);
}
