/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module that provides the name of slot.pml: its load, whose init registers, and
 * its exit.
 */

/* Who has stopped it. */
inline tear_down()
{
	skip;				/* stop, and the grace period */
	state = DRAINING;
	atomic { references == 0 -> state = DESTROYING; destroyed = publishes }
	skip;				/* destroy runs */
	assert(references == 0);
	alive = false
}

inline mark()
{
	live = false;
	state = STOPPING
}

/* raceless_unregister(). */
inline unregister()
{
	do
	:: !registered -> break
	:: else ->
		/* settled(): others may have it in their hands */
		atomic { leaving = true }
#ifdef unregister_forgets_worker
		if
#else
		atomic { (state == LIVE || state == GONE) ->
		if
		:: state == LIVE -> mark()
		:: else
		fi }
		if
#endif
		:: state == STOPPING ->
			tear_down();
			state = GONE
#ifdef parked_name_not_vacated
		:: state == GONE -> break
#endif
		:: else
		fi;
		atomic {
			registered = false;
			leaving = false;
			hold = false;
#ifndef vacate_forgets_waiters
			kick()
#endif
		}
	od
}

/* A load of the module, whose init registers; `met`: somebody else was in its way. */
inline load(failed, met)
{
	failed = true;
	met = false;
	if
#ifdef MISSING
	:: module == ABSENT -> skip
#endif
	:: atomic { module == ABSENT && !missing -> module = COMING }
		/* try_claim() */
		if
		:: atomic {
			!registered && !hold ->
			registered = true;
			state = LOADING
		   }
		   start(failed)
		:: atomic { !registered && hold -> skip }	/* -EBUSY */
		fi;
		if
		:: failed -> module = ABSENT
		:: !failed -> module = RUNNING
#ifdef EXIT_OF_INIT
		:: atomic {		/* for another reason; it waits for nobody's pin */
			!failed && troubles > 0 ->
			troubles--;
			init_failures++;
			failed = true
		   }
#ifndef failed_init_left
			unregister();
#endif
			module = ABSENT
#endif
		fi
	:: module == RUNNING -> failed = false
	:: module == COMING ->		/* -EEXIST if that one makes it, else -EBUSY */
		module != COMING;
		if
		:: module == RUNNING -> failed = false
		:: else -> met = true
		fi
	:: module == GOING -> met = true
	fi
}

/* delete_module, and the exit. */
inline delete_module()
{
	if
	:: atomic { may_unload -> module = GOING }
		unregister();
		module = ABSENT
	:: else
	fi
}

active proctype rmmod()
{
	byte i, round;

	do
	:: round < ROUNDS -> round++; delete_module()
	:: break
	od
}

/* Somebody's insmod. */
active proctype insmod()
{
	bool failed, met, in_place;
	byte i;

	load(failed, met)
}
