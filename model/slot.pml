/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A name with all who have to do with it: consumers that get, wait, die and put
 * (module/wait.c), the flight (flight.c), the module's load and exit (instance.c,
 * unregister.c), an unload by name whose requester may die (hold.c, unload.c), and
 * the teardown (teardown.c). What is done under slot->lock is one atomic step. One
 * module provides the name. How references are counted is count.pml's.
 *
 * Nobody is left waiting: a consumer that never ends is an invalid end state. And
 * nobody waits while others go round in circles (live): who waits is resolved.
 * MISSING: there is no module to load. PINS: consumer 0 wants its references to pin
 * the module. EXIT_OF_INIT: the module's own init may fail after it has registered.
 *
 * run: -DROUNDS=1
 * run: -DROUNDS=1 -DTROUBLES=1 -DPINS -DEXIT_OF_INIT
 * bug: flight_not_single -DROUNDS=1 -DTROUBLES=1
 * bug: flight_lands_before_modprobe -DROUNDS=1 -DTROUBLES=1
 * bug: flight_fails_one -DROUNDS=1 -DTROUBLES=1
 * bug: handoff_skipped -DROUNDS=1 -DTROUBLES=1
 * bug: land_forgets_late -DROUNDS=1 -DTROUBLES=1
 * bug: flight_at_destroy -DROUNDS=1 -DTROUBLES=1
 * bug: flight_no_retry -DROUNDS=1 -DTROUBLES=1
 * bug: kick_before_state -DROUNDS=1 -DTROUBLES=1
 * bug: unregister_forgets_worker -DROUNDS=1 -DTROUBLES=1
 * bug: vacate_forgets_waiters -DROUNDS=1 -DTROUBLES=1
 * bug: hold_end_forgets_waiters -DROUNDS=1 -DTROUBLES=1
 * bug: join_tests_unlocked -DROUNDS=1 -DTROUBLES=1
 * bug: killed_waiter_stays -DROUNDS=1 -DTROUBLES=1
 * bug: killed_heir_leaks -DROUNDS=1 -DTROUBLES=1
 * bug: flight_unpins_early -DROUNDS=1 -DTROUBLES=1 -DPINS
 * bug: flight_pins_published -DROUNDS=1 -DTROUBLES=1 -DEXIT_OF_INIT
 * bug: flight_not_in_place -DROUNDS=1 -DTROUBLES=1
 * bug: settled_forgets_flight -DROUNDS=1 -DTROUBLES=1
 * bug: hold_outlives_descriptor -DROUNDS=1 -DTROUBLES=1
 * bug: parked_name_not_vacated -DROUNDS=1 -DTROUBLES=1
 * bug: publish_before_init -DROUNDS=1 -DTROUBLES=1
 * bug: failed_init_left -DROUNDS=1 -DTROUBLES=1 -DEXIT_OF_INIT
 * bug: owner_not_pinned -DROUNDS=1 -DTROUBLES=1 -DPINS
 * bug: owner_pin_not_dropped -DROUNDS=1 -DTROUBLES=1 -DPINS
 * live: -DCONSUMERS=1 -DROUNDS=1 -DTROUBLES=1
 * live: -DROUNDS=1 -DTROUBLES=0
 * live: -DROUNDS=1 -DMISSING
 * livebug: missing_retried -DROUNDS=1 -DMISSING
 */
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef ROUNDS
#define ROUNDS 2	/* of each consumer, and of rmmod */
#endif

#ifndef TROUBLES
#define TROUBLES 2
#endif

mtype = { GONE, LOADING, LIVE, STOPPING, DRAINING, DESTROYING };
mtype = { ABSENT, COMING, RUNNING, GOING };	/* of the module; RUNNING is LIVE */
mtype = { NOTHING, REFERENCE, ERROR };

/* The slot. */
mtype state = GONE;
bool registered;		/* slot->provider */
bool live;			/* slot->live */
bool flying, queued, leaving, hold;
byte publishes, init_failures;
byte flight_publishes, flight_failures;

/* The module, and what keeps it. */
mtype module = ABSENT;
byte pins;

/* The waiters. */
bool waiting[CONSUMERS];	/* on slot->waiters */
mtype result[CONSUMERS];	/* what resolved it */
byte joined[CONSUMERS];
byte nr_waiters;

/* Ghosts. */
byte references;		/* on the instance */
bool alive;			/* from the begin of init to the end of destroy */
byte destroyed;			/* the publish whose instance is being destroyed, or was */
byte troubles = TROUBLES;	/* inits that may yet fail, or be killed */

#define may_unload	(module == RUNNING && pins == 0)
#ifdef PINS
#define keeps(who)	(who == 0)
#else
#define keeps(who)	false
#endif
#ifdef owner_not_pinned
#define wants_pin(who)	false
#else
#define wants_pin(who)	keeps(who)
#endif
#ifdef MISSING
#define missing		true
#else
#define missing		false
#endif

/* Under slot->lock, all of these. */
inline kick()
{
	if
#ifdef flight_not_single
	:: nr_waiters > 0 && !leaving && !hold && state == GONE ->
#else
	:: nr_waiters > 0 && !flying && !leaving && !hold && state == GONE ->
#endif
		assert(!flying);	/* one flight a name */
		flying = true;
		flight_publishes = publishes;
		flight_failures = init_failures;
		queued = true
	:: else
	fi
}

/* raceless_flight_is_over() */
#define overtaken (publishes != flight_publishes || leaving || hold || state != GONE)

inline resolve_all(how)
{
	i = 0;
	do
	:: i < CONSUMERS ->
		if
		:: waiting[i] && (how == ERROR || !wants_pin(i) || module != GOING) ->
			waiting[i] = false;
			result[i] = how;
			nr_waiters--;
			if
			:: how == REFERENCE ->
				references++;
				if
				:: wants_pin(i) -> pins++
				:: else
				fi
			:: else
			fi
#ifdef flight_fails_one
			if
			:: how == ERROR -> break
			:: else
			fi
#endif
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

inline publish()
{
	assert(!live);
	publishes++;
#ifndef handoff_skipped
	resolve_all(REFERENCE);
#endif
	state = LIVE;
	hold = false;
	live = true
}

/* The flight lets go of the module that it has started in place. */
inline unpin()
{
	assert(module != ABSENT);
	pins--
}

#if defined(flight_unpins_early) || defined(flight_pins_published)
#define unpin_here()
#else
#define unpin_here()	if :: in_place -> unpin() :: else fi;
#endif

/* init of an instance that has claimed the slot, and how it ended. */
inline start(failed)
{
	assert(!alive);		/* the old destroy has returned */
	alive = true;
#ifdef publish_before_init
	live = true;
#endif
	if
	:: failed = false;
#ifdef flight_unpins_early
		if
		:: in_place -> unpin()
		:: else
		fi;
#endif
		atomic {
			publish();
			unpin_here()
		}
#ifdef flight_pins_published
		if
		:: in_place -> unpin()
		:: else
		fi
#endif
	:: atomic { troubles > 0 -> troubles--; failed = true }
		alive = false;
		atomic {
			init_failures++;
			if
			:: !in_place -> registered = false
			:: else
			fi;
			state = GONE;
			if
			:: !flying -> resolve_all(ERROR)
			:: else
			fi;
			if
			:: in_place -> unpin()
			:: else
			fi
		}
	:: atomic {		/* its loader is killed: the error is about that */
		!in_place && troubles > 0 ->
		troubles--;
		failed = true;
		met = true
	   }
		alive = false;
		atomic {
			init_failures++;
			flight_failures++;
			registered = false;
			state = GONE;
			kick()
		}
	fi
}

#include "slot_module.pml"

inline land(error)
{
	atomic {
		flying = false;
		if
		:: error && !overtaken ->
			/* by an unload or a load in its way no get fails */
			assert(missing || init_failures != flight_failures);
			resolve_all(ERROR);
			assert(nr_waiters == 0)	/* all have the error at once */
		:: else
		fi;
#ifndef land_forgets_late
		kick()
#endif
	}
}

active proctype flight()
{
	bool failed, met, in_place, wait, over;
	byte i;

end_idle:
	atomic {
		queued -> queued = false;
		in_place = false;
		over = overtaken || nr_waiters == 0;
		if
		:: over
		:: !over && registered && module != GOING ->
#ifdef flight_not_in_place
			skip
#else
			in_place = true;
			pins++;
			state = LOADING
#endif
		:: !over && registered && module == GOING ->
			/* parked; it comes back each jiffy, until the exit detaches it */
			wait = true
#ifndef flight_at_destroy
		:: !over && !registered && module == GOING -> wait = true
		:: !over && !registered && module != GOING
#else
		:: !over && !registered -> assert(module != GOING)
#endif
		fi
	}
	if
	:: over -> land(false)
	:: wait ->
		wait = false;
		(module != GOING || overtaken || nr_waiters == 0 || !registered);
		queued = true
	:: in_place ->
		start(failed);
		land(failed)
	:: else ->
#ifdef flight_lands_before_modprobe
		land(false);
#endif
		load(failed, met);
		assert(flying);		/* no other began meanwhile */
		if
#ifdef missing_retried
		:: failed && init_failures == flight_failures -> queued = true
		:: else ->
#elif !defined(flight_no_retry)
		:: failed && met && init_failures == flight_failures -> queued = true
		:: else ->
#else
		:: true ->
#endif
			/* loaded without a publish is -ENOENT; land() knows if there was one */
			land(true)
		fi
	fi;
	over = false;
	failed = false;
	met = false;
	in_place = false;
	goto end_idle
}

bool torn_down;			/* the teardown of the unload by name is over */
bool work;			/* for the worker */

active proctype worker()
{
	byte i;

end_idle:
	work -> work = false;
	tear_down();
#ifdef kick_before_state
	atomic { kick() }
	atomic { state = GONE; torn_down = true }
#else
	atomic { state = GONE; torn_down = true; kick() }
#endif
	goto end_idle
}

/* raceless unload: its requester may be killed wherever it waits. */
active proctype unload()
{
	byte i;
	bool ours;

	atomic {
		if
		:: !hold && !leaving && state == LIVE ->
			hold = true;
			ours = true;
			mark();
			work = true
		:: else
		fi
	}
	if
	:: ours ->
		if
#ifdef settled_forgets_flight
		:: torn_down ->
#else
		:: torn_down && (!flying || !hold) ->
#endif
			assert(!flying || !hold);	/* it may have a pin */
			delete_module()
		:: skip				/* killed */
		fi;
		/* the descriptor is closed */
#ifndef hold_outlives_descriptor
		atomic {
			if
			:: hold -> hold = false;
#ifndef hold_end_forgets_waiters
				kick()
#endif
			:: else
			fi
		}
#else
		skip
#endif
	:: else
	fi
}

proctype consumer(byte me)
{
	byte i, round, publish_of;

	do
	:: round < ROUNDS ->
		round++;
again:
		if
		:: atomic {
			live && (!wants_pin(me) || module != GOING) ->
			references++;
			if
			:: wants_pin(me) -> pins++
			:: else
			fi;
			publish_of = publishes
		   }
		:: atomic {
#ifdef join_tests_unlocked
			!live -> skip
		   }
		   atomic {
#else
			!live || (wants_pin(me) && module == GOING) ->
#endif
			joined[me] = publishes;
			result[me] = NOTHING;
			waiting[me] = true;
			nr_waiters++;
			kick()
		   }
		   if
		   :: result[me] != NOTHING
		   :: me > 0 ->		/* killed, or its time is up; 0 has to be served */
			atomic {
				if
				:: waiting[me] ->
#ifndef killed_waiter_stays
					waiting[me] = false;
					nr_waiters--;
#endif
					result[me] = ERROR
				:: else		/* resolved: what it was given is its own */
#ifdef killed_heir_leaks
					-> result[me] = ERROR
#endif
				fi
			}
		   fi;
		   if
		   :: result[me] == REFERENCE ->
			publish_of = publishes;
			assert(publish_of == joined[me] + 1)
		   :: result[me] == ERROR -> goto next
		   fi
		fi;
		/* it runs the provider's code */
		assert(destroyed != publish_of);
		assert(alive && module != ABSENT);
		assert(module != GOING || !keeps(me));
		if
		:: wants_pin(me) ->
#ifdef owner_pin_not_dropped
			skip
#else
			pins--
#endif
		:: else
		fi;
		references--;
next:
		skip
	:: else -> break
	od
}

init {
	byte i;

	atomic {
		do
		:: i < CONSUMERS -> run consumer(i); i++
		:: else -> break
		od
	}
}

#ifdef PINS
/* When all is over nobody keeps the module. */
active proctype audit()
{
end_audit:
	timeout -> assert(pins == 0)
}
#endif

#ifdef ENDLESS
ltl served { [] (waiting[0] -> <> !waiting[0]) }
#endif
