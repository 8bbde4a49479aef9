// SPDX-License-Identifier: GPL-2.0
/*
 * Holds: names that a descriptor has taken down.
 *
 * A hold belongs to its descriptor (file->holds, under holds_mutex). While it is
 * in force the slot points to it (slot->hold, under slot->lock). It ends when the
 * descriptor says so or is closed, also by being killed, and, unless it is
 * explicit, when the provider's module has gone; one that is for a replacement
 * ends when another module publishes the name instead. At its end whoever waits
 * for the name gets a flight. What ended by itself is freed by the descriptor's
 * work, or by the unload that has yet to report of it.
 *
 * The teardown is a worker's. Its requester (unload.c) only waits for it, and may
 * be killed: the worker goes on, and the descriptor's close ends the hold. A hold
 * in which somebody waits is busy and stays.
 */
#include <linux/slab.h>

#include "device.h"
#include "flight.h"
#include "hold.h"
#include "reference.h"
#include "slot.h"
#include "teardown.h"
#include "user.h"

struct raceless_hold {
	struct list_head node;
	struct raceless_file *file;
	struct raceless_slot *slot;
	struct raceless_teardown times; /* valid when done */
	u64 instance;
	bool explicit; /* RACELESS_UNLOAD_HOLD */
	bool replace; /* RACELESS_UNLOAD_REPLACE */
	bool busy; /* its unload waits; holds_mutex */
	bool done; /* torn down; slot->lock */
	char owner[MODULE_NAME_LEN];
};

/* Under slot->lock: the teardown is over, the state is GONE. */
void raceless_hold_torn_down(struct raceless_slot *slot,
			     const struct raceless_teardown *times)
{
	lockdep_assert_held(&slot->lock);
	if (!slot->hold)
		return;
	slot->hold->times = *times;
	smp_store_release(&slot->hold->done, true); /* the report's acquire */
}

/*
 * Under slot->lock, which the descriptor's close takes for each hold: it is open
 * until then. The work sees that the slot has let go.
 */
static void end_by_itself(struct raceless_slot *slot)
{
	struct raceless_file *file = slot->hold->file;

	WRITE_ONCE(slot->hold, NULL);
	schedule_work(&file->purge);
}

/* Under slot->lock: the provider has been detached. */
void raceless_hold_owner_gone(struct raceless_slot *slot)
{
	lockdep_assert_held(&slot->lock);
	if (slot->hold && !slot->hold->explicit && !slot->hold->replace)
		end_by_itself(slot);
}

/* Under slot->lock: a module has brought the name back. */
void raceless_hold_published(struct raceless_slot *slot)
{
	lockdep_assert_held(&slot->lock);
	if (slot->hold) /* no other lets anybody publish */
		end_by_itself(slot);
}

/* Under slot->lock: may nobody register? */
bool raceless_hold_forbids(struct raceless_slot *slot)
{
	lockdep_assert_held(&slot->lock);
	return slot->hold && !slot->hold->replace;
}

/* Ends a hold, in force or not. Under holds_mutex. */
static void end(struct raceless_hold *hold)
{
	struct raceless_file *file = hold->file;
	struct raceless_slot *slot = hold->slot;

	lockdep_assert_held(&file->holds_mutex);
	spin_lock(&slot->lock);
	if (slot->hold == hold) {
		WRITE_ONCE(slot->hold, NULL);
		raceless_flight_kick(slot);
	}
	spin_unlock(&slot->lock);
	wake_up_all(&slot->changed);

	list_del(&hold->node);
	file->nr_holds--;
	raceless_user_uncharge(file->user);
	raceless_slot_put(slot);
	kfree(hold);
}

/* Drops holds that ended by themselves. Under holds_mutex. */
static void purge(struct raceless_file *file)
{
	struct raceless_hold *hold, *next;

	lockdep_assert_held(&file->holds_mutex);
	list_for_each_entry_safe(hold, next, &file->holds, node)
		if (!hold->busy && READ_ONCE(hold->slot->hold) != hold)
			end(hold);
}

static void purge_work(struct work_struct *work)
{
	struct raceless_file *file =
		container_of(work, struct raceless_file, purge);

	mutex_lock(&file->holds_mutex);
	purge(file);
	mutex_unlock(&file->holds_mutex);
}

void raceless_holds_open(struct raceless_file *file)
{
	INIT_LIST_HEAD(&file->holds);
	mutex_init(&file->holds_mutex);
	INIT_WORK(&file->purge, purge_work);
}

/* Return: 0 (marked, and in the batch), or -errno. */
static int begin(struct raceless_hold *hold, struct raceless_batch *batch)
{
	struct raceless_slot *slot = hold->slot;
	int err = 0;

	spin_lock(&slot->lock);
	if (slot->hold || slot->leaving || slot->beside) {
		err = -EBUSY;
	} else if (slot->state == RACELESS_GONE) {
		err = -ENOENT;
	} else if (slot->state != RACELESS_LIVE) {
		err = -EBUSY;
	} else {
		WRITE_ONCE(slot->hold, hold); /* purge() looks without the lock */
		hold->instance = slot->instance;
		strscpy(hold->owner, slot->owner, sizeof(hold->owner));
		raceless_batch_mark_name(batch, slot);
	}
	spin_unlock(&slot->lock);
	return err;
}

/* Charged and on the descriptor's list, but not in force yet. */
static struct raceless_hold *add(struct raceless_file *file, const char *name,
				 u32 flags)
{
	struct raceless_hold *hold;
	int err;

	purge(file);
	if (file->nr_holds >= RACELESS_MAX_HOLDS_PER_FD)
		return ERR_PTR(-EMFILE);
	hold = kzalloc(sizeof(*hold), GFP_KERNEL_ACCOUNT);
	if (!hold)
		return ERR_PTR(-ENOMEM);
	err = raceless_user_charge(file->user);
	if (err)
		goto err_free;
	hold->slot = raceless_slot_find(name);
	if (IS_ERR_OR_NULL(hold->slot)) {
		err = PTR_ERR(hold->slot) ?: -ENOENT;
		goto err_uncharge;
	}
	hold->file = file;
	hold->explicit = flags & RACELESS_UNLOAD_HOLD;
	hold->replace = flags & RACELESS_UNLOAD_REPLACE;
	hold->busy = true;
	list_add(&hold->node, &file->holds);
	file->nr_holds++;
	return hold;

err_uncharge:
	raceless_user_uncharge(file->user);
err_free:
	kfree(hold);
	return ERR_PTR(err);
}

/*
 * Takes a name down: charged, on the descriptor's list, marked and in the batch,
 * which is the caller's to queue. Under holds_mutex. The hold is busy until
 * raceless_hold_report().
 * Return: the hold, or an ERR_PTR.
 */
struct raceless_hold *raceless_hold_take(struct raceless_file *file,
					 const char *name, u32 flags,
					 struct raceless_batch *batch)
{
	struct raceless_hold *hold = add(file, name, flags);
	int err;

	if (IS_ERR(hold))
		return hold;
	err = raceless_references_on(file, hold->slot) ? -EDEADLK :
							 begin(hold, batch);
	if (!err)
		return hold;
	end(hold);
	return ERR_PTR(err);
}

/*
 * What came of it, as far as it is known. Under holds_mutex. The work passes by
 * what is busy: a hold that has ended meanwhile is freed here.
 */
void raceless_hold_report(struct raceless_hold *hold,
			  struct raceless_unload_entry *entry)
{
	entry->instance = hold->instance;
	strscpy(entry->owner, hold->owner, sizeof(entry->owner));
	if (smp_load_acquire(&hold->done)) { /* the times are before it */
		entry->stop_ns = hold->times.stop_ns;
		entry->grace_ns = hold->times.grace_ns;
		entry->drain_ns = hold->times.drain_ns;
		entry->destroy_ns = hold->times.destroy_ns;
	}
	hold->busy = false;
	if (READ_ONCE(hold->slot->hold) != hold)
		end(hold);
}

/*
 * Torn down, and the flight that brought the instance has landed: until then it
 * has a reference on the module, or its modprobe is in the module's init, and
 * our caller's delete_module(2) would fail. While the hold is in force no other
 * flight starts.
 */
static bool settled(struct raceless_hold *hold)
{
	struct raceless_slot *slot = hold->slot;
	bool over;

	spin_lock(&slot->lock);
	over = hold->done && (!slot->flying || slot->hold != hold);
	spin_unlock(&slot->lock);
	return over;
}

/* Woken by raceless_teardown() and land(). Return: 0, -ETIMEDOUT or -EINTR. */
int raceless_hold_await(struct raceless_hold *hold, unsigned long timeout)
{
	long left = wait_event_killable_timeout(hold->slot->changed,
						settled(hold), timeout);

	if (left > 0)
		return 0;
	return left ? -EINTR : -ETIMEDOUT;
}

long raceless_hold_release(struct raceless_file *file, const char *name)
{
	struct raceless_slot *slot = raceless_slot_find(name);
	struct raceless_hold *hold;
	long err = -ENOENT;

	if (IS_ERR_OR_NULL(slot))
		return PTR_ERR(slot) ?: -ENOENT;
	mutex_lock(&file->holds_mutex);
	list_for_each_entry(hold, &file->holds, node) {
		if (hold->slot != slot || READ_ONCE(slot->hold) != hold)
			continue;
		err = hold->busy ? -EBUSY : 0;
		if (!err)
			end(hold);
		break;
	}
	mutex_unlock(&file->holds_mutex);
	raceless_slot_put(slot);
	return err;
}

/* No ioctl runs any more, but the work may. */
void raceless_holds_close(struct raceless_file *file)
{
	struct raceless_hold *hold, *next;

	mutex_lock(&file->holds_mutex);
	list_for_each_entry_safe(hold, next, &file->holds, node)
		end(hold);
	mutex_unlock(&file->holds_mutex);
	cancel_work_sync(&file->purge); /* nobody queues it any more */
}
