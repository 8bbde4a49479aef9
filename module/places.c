// SPDX-License-Identifier: GPL-2.0
/*
 * Places: how many flights run modprobe at once, and who is next.
 *
 * A flight that finds none stands in the line, and keeps no worker meanwhile: a
 * worker is what the flights of parked providers need, for which the inits that
 * those modprobes run may be waiting. Nothing of it is queued while it stands
 * there. It is called, which queues its work once, when it is the first and there
 * is a place, or when it may be over for it (raceless_line_hurry). Its work then takes
 * the place, leaves the line, or stays in it and can be called again.
 *
 * Who calls: whoever makes a place free, or another one the first, before it lets
 * go of places_lock; so the first is called, or its work is about to look, whenever
 * there is a place. A modprobe that never ends keeps its place for ever, and who
 * waits behind it its timeout.
 */
#include "flight.h"
#include "places.h"

/*
 * The kernel fails module requests beyond 50 at a time; leave it some. Inits that
 * ask for other names nest flights: 16 of them at once, each waiting for a 17th
 * whose module has to be loaded, are ended by their timeouts.
 */
#define MAX_MODPROBES 16

static DEFINE_SPINLOCK(places_lock); /* inside any slot->lock */
static LIST_HEAD(line); /* by slot->in_line; the first came first */
static unsigned int nr_modprobes;

/* Under places_lock; @slot stands in the line, so its flight has a reference on it. */
static void call(struct raceless_slot *slot)
{
	if (slot->called)
		return;
	slot->called = true;
	raceless_flight_call(slot);
}

/* Under places_lock. */
static void call_first(void)
{
	if (nr_modprobes < MAX_MODPROBES && !list_empty(&line))
		call(list_first_entry(&line, struct raceless_slot, in_line));
}

/*
 * Under slot->lock, in the flight's work. Return: true: a place was taken, which
 * raceless_place_give() ends; false: the flight stands in the line.
 */
bool raceless_place_take(struct raceless_slot *slot)
{
	bool taken;

	lockdep_assert_held(&slot->lock);
	spin_lock(&places_lock);
	slot->called = false;
	if (list_empty(&slot->in_line))
		list_add_tail(&slot->in_line, &line);
	taken = nr_modprobes < MAX_MODPROBES &&
		list_first_entry(&line, struct raceless_slot, in_line) == slot;
	if (taken) {
		nr_modprobes++;
		list_del_init(&slot->in_line);
		call_first();
	}
	spin_unlock(&places_lock);
	return taken;
}

void raceless_place_give(void)
{
	spin_lock(&places_lock);
	nr_modprobes--;
	call_first();
	spin_unlock(&places_lock);
}

/* Under slot->lock, in the flight's work: it needs no place now, if it ever did. */
void raceless_line_leave(struct raceless_slot *slot)
{
	lockdep_assert_held(&slot->lock);
	spin_lock(&places_lock);
	slot->called = false;
	list_del_init(&slot->in_line);
	call_first();
	spin_unlock(&places_lock);
}

/*
 * Under slot->lock: somebody published, or nobody waits any more. If the name's flight
 * stands in the line it is over, and lands: an unload waits for that, and a slot that
 * nobody knows is kept by nothing else.
 */
void raceless_line_hurry(struct raceless_slot *slot)
{
	lockdep_assert_held(&slot->lock);
	if (!slot->flying)
		return;
	spin_lock(&places_lock);
	if (!list_empty(&slot->in_line))
		call(slot);
	spin_unlock(&places_lock);
}
