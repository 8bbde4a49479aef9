// SPDX-License-Identifier: GPL-2.0
/*
 * Flights: bringing a name back for those who wait.
 *
 * One flight per name, shared by everyone who waits, so that a thousand waiters
 * cost one modprobe. It ends in one of two ways: somebody published (this
 * flight's modprobe or anybody else), which resolved all who waited then, or it
 * failed, and then all who wait get its error at once. Who joined after the
 * publish gets a flight of their own.
 *
 * A flight is a delayed work. While the old module is still in the module list,
 * in which a load gets EBUSY, it comes back each jiffy rather than sleep in one
 * of the workers; while others have all places for a modprobe, it stands in a line
 * (places.c).
 */
#include <linux/kmod.h>
#include <linux/ktime.h>
#include <linux/nodemask.h>

#include "compat.h"
#include "flight.h"
#include "instance.h"
#include "owner.h"
#include "places.h"
#include "slot.h"
#include "stats.h"
#include "trace.h"
#include "wait.h"

/*
 * Flights that are at work on each node (of 6.6 to 6.8 on each CPU), one way or
 * another. More than can run modprobe (places.c): those call the inits of parked
 * providers, which 16 modules that are being loaded may be waiting for.
 */
#define MAX_WORKERS 64

/*
 * How often one flight runs modprobe again when another's load or unload got in
 * its way. Delays double from one jiffy, up to 2^5.
 */
#define MAX_TRIES 10
#define MAX_DELAY_SHIFT 5

/*
 * A load may share the result of one of the same file that was under way before
 * it, and that an unload has spoilt long ago; or that has failed long ago, and was
 * for somebody else, who may have given it other parameters. None is thought to
 * last longer.
 */
#define LONGEST_LOAD_NS (10 * NSEC_PER_SEC)

static struct workqueue_struct *flight_queue;
static bool exiting;

/*
 * Starts a flight if somebody waits and nothing else is going to resolve them
 * (see wait.c). Under slot->lock; the caller holds a reference on the slot.
 */
void raceless_flight_kick(struct raceless_slot *slot)
{
	lockdep_assert_held(&slot->lock);
	if (list_empty(&slot->waiters) || slot->flying || slot->leaving ||
	    slot->hold || slot->beside || slot->state != RACELESS_GONE)
		return;
	slot->flying = true;
	slot->flights++;
	slot->flight_publishes = slot->publishes;
	slot->flight_failures = slot->init_failures;
	slot->flight_tries = 0;
	slot->flight_last_try = MAX_TRIES;
	slot->flight_awaits_elder = false;
	slot->flight_met_elder = false;
	slot->flight_quiet = false;
	slot->flight_in_place = false;
	slot->flight_ns = ktime_get_ns();
	slot->flight_tried_ns = slot->flight_ns;
	raceless_count(COUNT_FLIGHTS);
	trace_raceless_flight_start(slot->name);
	refcount_inc(&slot->refs);
	queue_delayed_work(flight_queue, &slot->flight, 0);
}

/* It stands in the line for a place, and may have its turn. */
void raceless_flight_call(struct raceless_slot *slot)
{
	queue_delayed_work(flight_queue, &slot->flight, 0);
}

/*
 * Under slot->lock: is it over for the flight in the air? Somebody else published,
 * or is about to resolve everyone.
 */
bool raceless_flight_is_over(const struct raceless_slot *slot)
{
	return slot->publishes != slot->flight_publishes || slot->leaving ||
	       slot->hold || slot->beside || slot->state != RACELESS_GONE;
}

/*
 * Ends the flight, and with it its reference on the slot. An error reaches the
 * waiters unless somebody else is going to resolve them.
 */
static void land(struct raceless_slot *slot, int error)
{
	LIST_HEAD(resolved);
	u32 failed = 0;
	u64 ns;

	spin_lock(&slot->lock);
	ns = ktime_get_ns() - slot->flight_ns;
	slot->flying = false;
	if (raceless_flight_is_over(slot))
		error = 0;
	else if (error && slot->init_failures != slot->flight_failures)
		error = slot->init_error; /* it may have failed just now */
	if (error) {
		failed = raceless_waiters_fail(slot, error, &resolved);
		slot->flight_errors++;
		raceless_count(COUNT_FLIGHT_ERRORS);
	}
	trace_raceless_flight_end(slot->name, error, slot->flight_in_place,
				  slot->flight_tries, failed, ns);
	raceless_flight_kick(slot); /* for who joined after the publish */
	spin_unlock(&slot->lock);

	raceless_waiters_wake(&resolved);
	wake_up_all(&slot->changed);
	raceless_record(LATENCY_FLIGHT, ns);
	raceless_slot_put(slot);
}

/*
 * The begin of the oldest load whose result one that begins now may share, on a
 * kernel that shares them. The machine may be younger than that; 0 is when nothing
 * was seen yet.
 */
static u64 oldest_load_ns(u64 now_ns)
{
	return now_ns > LONGEST_LOAD_NS ? now_ns - LONGEST_LOAD_NS : 1;
}

/*
 * Could what modprobe said in this attempt have been spoilt by somebody else's
 * load or unload? One that was under way when the attempt began, and whose result
 * ours had to share, could at any time since it began (@stale: by its own failed
 * init). It has ended with ours: the next attempt's can have been spoilt only since
 * ours began, so two undisturbed attempts in a row tell the truth.
 */
static bool spoilt(struct raceless_slot *slot, bool disturbed, bool stale)
{
	u64 since_ns = oldest_load_ns(slot->flight_tried_ns);
	bool quiet_before = slot->flight_quiet;

	slot->flight_quiet = !disturbed;
	if (disturbed)
		return true;
	if (!raceless_loads_are_shared || quiet_before)
		return false;
	return stale || raceless_owner_disturbed_since(since_ns);
}

/*
 * What modprobe's end means to those who wait, or 1: try again. Without a publish a
 * success proves nothing: the load that ours shared may have ended well before
 * we asked, and its module have gone since.
 */
static int judge(struct raceless_slot *slot, int status, bool disturbed,
		 bool stale, u64 since_ns)
{
	bool over, init_failed;
	int init_error;

	spin_lock(&slot->lock);
	over = raceless_flight_is_over(slot);
	init_failed = slot->init_failures != slot->flight_failures;
	init_error = slot->init_error;
	spin_unlock(&slot->lock);

	/* after that: who left the name to nobody before it has said so before */
	disturbed = disturbed || raceless_owner_busy("") ||
		    raceless_owner_disturbed_since(since_ns);
	if (over)
		return 0;
	if (init_failed)
		return init_error;
	if (status < 0)
		return status;
	if (!status && !raceless_loads_are_shared)
		return -ENOENT; /* loaded, but did not register the name */
	if (!spoilt(slot, disturbed, status && stale))
		return -ENOENT; /* that, or found none, or could not load it */
	if (slot->flight_tries < slot->flight_last_try)
		return 1;
	return status ? -EBUSY : -ENOENT;
}

/* The module is still there: its init is called again. */
static void fly_in_place(struct raceless_slot *slot,
			 struct raceless_provider *provider, bool revived)
{
	int err;

	raceless_count(COUNT_FLIGHTS_IN_PLACE);
	slot->flight_in_place = true; /* only the flight's own worker writes it */
	err = raceless_instance_start(slot, provider, provider->owner, revived);
	land(slot, err);
}

/*
 * Under slot->lock: the module of one that was superseded goes, or is about to, or
 * that of the owner before the last. A load of it fails until it has left the list,
 * and it may be what modprobe loads. Of two that have unregistered and go at once,
 * the last is known: for the other one there are the flight's tries.
 */
static bool elder_goes(struct raceless_slot *slot)
{
	struct raceless_provider *provider;

	list_for_each_entry(provider, &slot->superseded, together)
		if (!module_is_live(provider->owner))
			return true;
	return slot->elder[0] && raceless_owner_busy(slot->elder);
}

/*
 * Under slot->lock: may the attempt that has brought nobody have met the module of
 * one that was superseded? Not if it was an init that failed.
 */
static bool met_elder(struct raceless_slot *slot)
{
	return slot->init_failures == slot->flight_failures &&
	       (slot->flight_met_elder || !list_empty(&slot->superseded) ||
		elder_goes(slot) || slot->elder_ns >= slot->flight_tried_ns);
}

/*
 * modprobe has brought nobody. If another had replaced one that is registered still,
 * that one is given the name back. One whose module goes is not (its exit takes it
 * from the list): modprobe is to be tried again (@error is 1) when that has gone, or
 * if it went in the meantime. If nobody waits, there is no error: who asks before the
 * landing has a flight of their own, which revives.
 * Return: the provider, claimed, with a reference on its module; or NULL.
 */
static struct raceless_provider *revive(struct raceless_slot *slot, int *error)
{
	struct raceless_provider *provider, *revived = NULL;

	spin_lock(&slot->lock);
	if (raceless_flight_is_over(slot) || list_empty(&slot->waiters)) {
		*error = 0;
		goto unlock;
	}
	list_for_each_entry(provider, &slot->superseded, together) {
		if (!try_module_get(provider->owner))
			continue;
		revived = provider;
		break;
	}
	if (revived) {
		list_del_init(&revived->together);
		raceless_instance_claim(slot, &slot->tenure, revived);
	} else if (met_elder(slot)) {
		*error = 1;
		slot->flight_awaits_elder = true;
		slot->flight_last_try = slot->flight_tries + MAX_TRIES;
	}
unlock:
	spin_unlock(&slot->lock);
	return revived;
}

/*
 * In the flight's worker, with a place among the modprobes, nothing registered.
 * Which modules modprobe loads only it knows: those that the owner depends on
 * too, and the owner of a name that is new here. So any module's unload counts
 * as a disturbance.
 */
static void fly_modprobe(struct raceless_slot *slot)
{
	u64 since_ns = slot->flight_tried_ns; /* the attempt before this one */
	bool disturbed = raceless_owner_busy("");
	bool stale; /* a load has failed, before we begin ours */
	u64 oldest_ns;
	struct raceless_provider *superseded = NULL;
	unsigned int delay;
	int status, err;

	raceless_perturb(RACELESS_POINT_MODPROBE);
	raceless_count(COUNT_MODPROBES);
	/* only the flight's own worker writes these */
	slot->flight_tries++;
	slot->flight_tried_ns = ktime_get_ns();
	oldest_ns = oldest_load_ns(slot->flight_tried_ns);
	stale = raceless_owner_failed_since(oldest_ns);
	status = request_module("raceless-%s", slot->name);
	raceless_place_give();
	err = judge(slot, status, disturbed, stale, since_ns);
	if (err != 1) {
		raceless_perturb(RACELESS_POINT_LANDING);
		if (err)
			superseded = revive(slot, &err);
		if (superseded)
			fly_in_place(slot, superseded, true);
		else if (err == 1)
			queue_delayed_work(flight_queue, &slot->flight, 1);
		else
			land(slot, err);
		return;
	}
	raceless_count(COUNT_MODPROBE_RETRIES);
	delay = 1U << min(slot->flight_tries - 1, (u32)MAX_DELAY_SHIFT);
	queue_delayed_work(flight_queue, &slot->flight, delay);
}

static void flight_work(struct work_struct *work)
{
	struct delayed_work *flight = to_delayed_work(work);
	struct raceless_slot *slot =
		container_of(flight, struct raceless_slot, flight);
	struct raceless_provider *in_place = NULL;
	bool wait = false, has_place = false, over;

	spin_lock(&slot->lock);
	over = raceless_flight_is_over(slot) || list_empty(&slot->waiters) ||
	       READ_ONCE(exiting);
	if (!over && slot->provider) {
		/* parked; it fails if the module is going: its exit detaches */
		wait = !try_module_get(slot->provider->owner);
		if (!wait) {
			in_place = slot->provider;
			raceless_instance_claim(slot, &slot->tenure, in_place);
		}
	} else if (!over) {
		wait = (slot->owner[0] && raceless_owner_busy(slot->owner)) ||
		       (slot->flight_awaits_elder && elder_goes(slot));
		has_place = !wait && raceless_place_take(slot);
		if (has_place) {
			slot->flight_awaits_elder = false;
			slot->flight_met_elder = elder_goes(slot);
			slot->modprobes++;
		}
	}
	if (over || wait || in_place)
		raceless_line_leave(slot);
	spin_unlock(&slot->lock);

	if (over)
		land(slot, READ_ONCE(exiting) ? -ENODEV : 0);
	else if (wait)
		queue_delayed_work(flight_queue, &slot->flight, 1);
	else if (in_place)
		fly_in_place(slot, in_place, false);
	else if (has_place)
		fly_modprobe(slot);
}

static void outlast_work(struct work_struct *work)
{
	struct delayed_work *outlast = to_delayed_work(work);
	struct raceless_slot *slot =
		container_of(outlast, struct raceless_slot, outlast);

	raceless_flight_outlast(slot);
}

/*
 * Keeps a slot, and so the names of its owners, until those modules have left the
 * list: a slot made anew meanwhile would not know for whom its flight has to
 * wait. Takes the caller's reference on the slot over. It looks again at growing
 * intervals: a module may have many names, and one that is held for long.
 */
void raceless_flight_outlast(struct raceless_slot *slot)
{
	unsigned int delay;
	bool busy;

	spin_lock(&slot->lock);
	busy = (slot->owner[0] && raceless_owner_busy(slot->owner)) ||
	       (slot->elder[0] && raceless_owner_busy(slot->elder));
	delay = 1U << slot->outlasted;
	slot->outlasted = busy ? min(slot->outlasted + 1, MAX_DELAY_SHIFT) : 0;
	spin_unlock(&slot->lock);
	if (!busy || !queue_delayed_work(flight_queue, &slot->outlast, delay))
		raceless_slot_put(slot);
}

void raceless_flight_prepare(struct raceless_slot *slot)
{
	INIT_LIST_HEAD(&slot->in_line);
	INIT_DELAYED_WORK(&slot->flight, flight_work);
	INIT_DELAYED_WORK(&slot->outlast, outlast_work);
}

int raceless_flights_init(void)
{
	if (IS_ENABLED(CONFIG_MODULE_DEBUG_AUTOLOAD_DUPS))
		pr_warn("raceless: this kernel repeats the results of module requests (CONFIG_MODULE_DEBUG_AUTOLOAD_DUPS): names may not come back\n");
	/* since 6.9 nodes share what is asked for, before each has all of it */
	flight_queue = alloc_workqueue("raceless_flight", WQ_UNBOUND,
				       min_t(int, WQ_MAX_ACTIVE,
					     MAX_WORKERS * num_possible_nodes()));
	return flight_queue ? 0 : -ENOMEM;
}

/* Flights that are still in the air have no waiters, and land at the next step. */
void raceless_flights_exit(void)
{
	WRITE_ONCE(exiting, true);
	raceless_slots_wait_empty();
	destroy_workqueue(flight_queue);
}
