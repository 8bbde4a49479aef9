// SPDX-License-Identifier: GPL-2.0
/*
 * Unregistering providers: all that can be torn down now are, as one batch, and
 * those that others have in their hands when they let go of them: a flight that has
 * published, say, while a worker's teardown of another still lasts. These do not
 * wait until the others have drained, as one of them may have a reference on one
 * of those, which its destroy drops. And parking, which destroys an instance and
 * keeps its provider.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/sched.h>

#include "instance.h"
#include "replace.h"
#include "teardown.h"
#include "unregister.h"

/* A wait that cannot end early says so at this interval, in two slices. */
#define COMPLAIN_SLICE (5 * HZ)

/* While some drain and others are in others' hands, these are looked at so often. */
#define LOOK_AGAIN DIV_ROUND_UP(HZ, 50)

/*
 * Under slot->lock: is it ours to mark or to make vacant? Else its instance is in
 * others' hands: of who runs its init or its teardown, or the init of one that is
 * about to replace it. If it is ours it stays so: nobody revives it any more.
 */
static bool settled(struct raceless_provider *provider)
{
	struct raceless_slot *slot = provider->slot;

	if (raceless_replace_retires(slot, provider))
		return false;
	if (slot->provider != provider) {
		list_del_init(&provider->together); /* superseded */
		slot->elder_ns = ktime_get_ns();
		if (provider->owner)
			strscpy(slot->elder, provider->owner->name,
				sizeof(slot->elder));
		return true;
	}
	if (raceless_replace_pending(slot))
		return false;
	slot->leaving = true;
	return slot->state == RACELESS_LIVE || slot->state == RACELESS_GONE;
}

static bool any_settled(struct list_head *leaving)
{
	struct raceless_provider *provider;
	bool found = false;

	list_for_each_entry(provider, leaving, registered) {
		spin_lock(&provider->slot->lock);
		found = settled(provider);
		spin_unlock(&provider->slot->lock);
		if (found)
			break;
	}
	return found;
}

/*
 * Woken by raceless_instance_enter(), whoever runs it; what it belongs to is over
 * when we get the lock.
 */
static void await_settled(struct list_head *leaving)
{
	struct raceless_provider *first =
		list_first_entry(leaving, struct raceless_provider, registered);
	unsigned int slices = 0;

	while (!wait_event_timeout(raceless_leavers, any_settled(leaving),
				   COMPLAIN_SLICE))
		if (++slices % 2 == 0)
			pr_warn("raceless: %s: unregister waits for an unload or a replacement since %u s\n",
				first->name, slices * COMPLAIN_SLICE / HZ);
}

/* Those that are LIVE go into the batch; the names of those that are gone go. */
static void gather(struct list_head *leaving, struct raceless_batch *batch)
{
	struct raceless_provider *provider, *next;
	struct raceless_slot *slot;
	bool ours, live;

	list_for_each_entry_safe(provider, next, leaving, registered) {
		slot = provider->slot;
		spin_lock(&slot->lock);
		ours = settled(provider);
		live = ours && slot->provider == provider &&
		       slot->state == RACELESS_LIVE;
		if (live)
			raceless_batch_mark(batch, slot);
		spin_unlock(&slot->lock);
		if (!ours)
			continue;
		list_del(&provider->registered);
		if (!live)
			raceless_teardown_vacate(provider);
		cond_resched();
	}
}

static void unregister(struct list_head *leaving)
{
	struct raceless_batch batch;

	raceless_batch_init(&batch, RACELESS_OP_MAIN,
			    READ_ONCE(raceless_polite), true);
	gather(leaving, &batch);
	while (!list_empty(leaving)) {
		if (raceless_teardown_for(&batch, LOOK_AGAIN))
			await_settled(leaving);
		gather(leaving, &batch);
	}
	raceless_teardown(&batch);
}

/**
 * raceless_unregister_all() - make providers unreachable, and destroy them.
 * @providers: those that raceless_register() accepted; in any order.
 * @nr: how many; any number.
 *
 * Makes all of them unreachable and stops each, waits for one grace period, then
 * drains and destroys each: when it returns, nobody runs their code or has a
 * reference on them. What a worker is already doing to one of them is waited for,
 * and the init of another that is to replace it.
 *
 * They are destroyed in the order in which they drain, and a name is vacant at
 * once when its instance is destroyed, so that one which others hold on to for
 * long delays none but the return. Their ops run one after the other.
 *
 * A module's exit cannot fail, so the wait cannot be killed; every 10 s the log
 * says for how many references it waits.
 *
 * Context: process; may sleep. Not from the ops of any of them, and not while
 * the caller holds a reference.
 */
void raceless_unregister_all(struct raceless_provider *const *providers,
			     unsigned int nr)
{
	LIST_HEAD(leaving);

	might_sleep();
	raceless_instances_take(providers, nr, &leaving);
	unregister(&leaving);
}
EXPORT_SYMBOL_GPL(raceless_unregister_all);

/* Return: 0 (marked), -ENOENT or -EBUSY. */
static int mark_to_park(struct raceless_provider *provider,
			struct raceless_batch *batch)
{
	struct raceless_slot *slot = provider->slot;
	int err = 0;

	spin_lock(&slot->lock);
	if (slot->provider != provider || slot->leaving || slot->hold ||
	    slot->beside)
		err = -EBUSY;
	else if (slot->state == RACELESS_GONE)
		err = -ENOENT;
	else if (slot->state != RACELESS_LIVE)
		err = -EBUSY;
	else
		raceless_batch_mark_name(batch, slot);
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
	struct raceless_batch batch;
	int err;

	might_sleep();
	raceless_batch_init(&batch, RACELESS_OP_MAIN,
			    READ_ONCE(raceless_polite), false);
	err = mark_to_park(provider, &batch);
	if (!err)
		raceless_teardown(&batch);
	return err;
}
EXPORT_SYMBOL_GPL(raceless_park);

/* A module goes, its exit or failed init is over, and providers of it are left. */
void raceless_unregister_owner(struct module *owner)
{
	struct raceless_provider *provider;
	LIST_HEAD(leaving);

	raceless_instances_take_owned(owner, &leaving);
	list_for_each_entry(provider, &leaving, registered)
		pr_warn("raceless: module %s left %s registered\n",
			owner->name, provider->name);
	unregister(&leaving);
}
