// SPDX-License-Identifier: GPL-2.0
/*
 * Modules that provide: whether they are still there.
 *
 * find_module() and module_mutex are not exported, so we look through the list
 * from our own entry. Entries leave it by list_del_rcu() and are freed a grace
 * period later.
 */
#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "compat.h"
#include "owner.h"
#include "unregister.h"

/* When a load or unload was last seen that may fail somebody else's load. */
static u64 disturbed_ns;

/* When a module's own init was last seen to have failed. */
static u64 failed_ns;

static bool in_transition(const struct module *module)
{
	enum module_state state = READ_ONCE(module->state);

	return state == MODULE_STATE_GOING || state == MODULE_STATE_UNFORMED;
}

/*
 * Is a module of this name, or of any if the name is empty, in a state in which
 * a load of it fails with EBUSY? Between its last GOING and its removal from the
 * list come its exit, a notifier chain, an async sync and a teardown.
 *
 * Context: any.
 */
bool raceless_owner_busy(const char *name)
{
	struct module *module;
	bool busy = false;

	rcu_read_lock();
	list_for_each_entry_rcu(module, &THIS_MODULE->list, list) {
		/* the list's head is no module, and not in module memory */
		if (!raceless_in_module_memory(module))
			continue;
		if (name[0] && strcmp(module->name, name))
			continue;
		if (in_transition(module)) {
			busy = true;
			break;
		}
	}
	rcu_read_unlock();
	return busy;
}

/* Those who come at once take the latest: it never goes back. */
static void advance(u64 *ns)
{
	u64 now = ktime_get_ns();
	u64 old = READ_ONCE(*ns);

	while (old < now && !try_cmpxchg64(ns, &old, now))
		;
}

/* A load of any name that runs now may fail for no fault of its own. */
void raceless_owner_disturb(void)
{
	advance(&disturbed_ns);
}

bool raceless_owner_disturbed_since(u64 ns)
{
	return READ_ONCE(disturbed_ns) >= ns;
}

/* Was there a load that failed, and that may still give others its result? */
bool raceless_owner_failed_since(u64 ns)
{
	return READ_ONCE(failed_ns) >= ns;
}

/*
 * GOING comes after the module's exit or its failed init, while its text and
 * data are still there: the last moment to destroy what it left registered. The
 * first of all who are told: others take apart what its code uses, SRCU for one.
 *
 * A module whose init failed disturbs no load that began before: one that waited
 * for it fails too, as it should. That one still has the base reference of its
 * load, which a deleted one has lost, so that its count reads as negative. If its
 * loader was killed, the error is about that, and not about the module: we are in
 * the loader, before those who wait for its load are told.
 */
static int on_module_state(struct notifier_block *block, unsigned long state,
			   void *module)
{
	if (state == MODULE_STATE_GOING) {
		if (module_refcount(module) < 0 ||
		    fatal_signal_pending(current))
			raceless_owner_disturb();
		else
			advance(&failed_ns);
		raceless_unregister_owner(module);
	}
	return NOTIFY_OK;
}

static struct notifier_block notifier = {
	.notifier_call = on_module_state,
	.priority = INT_MAX,
};

int raceless_owners_init(void)
{
	return register_module_notifier(&notifier);
}

void raceless_owners_exit(void)
{
	unregister_module_notifier(&notifier);
}
