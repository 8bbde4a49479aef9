/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The four-point policy, with which the registry is compared: an unload that stops,
 * pauses, and looks whether somebody has a reference or has asked meanwhile, and
 * then starts again (module/policies/four_point.c). What is done under the lock is
 * one atomic step; tryget is a section that the pause waits for.
 *
 * run:
 * run: -DCONSUMERS=4 -DUNLOADS=3
 * bug: policy_count_ignored
 * bug: policy_request_ignored
 * bug: policy_revival_forgets_start
 */
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef UNLOADS
#define UNLOADS 2
#endif

mtype = { ABSENT, STARTED, STOPPED, DESTROYING };

mtype state = STARTED;
bool started = true;		/* the pointer */
bool requested;
byte count;
bool in_section[CONSUMERS];
bool destroyed;			/* ghost */

active proctype unload()
{
	bool waits[CONSUMERS];
	byte i, unloads;

	do
	:: unloads < UNLOADS && state == STARTED ->
		unloads++;
		atomic { state = STOPPED; requested = false; started = false }
		/* the pause */
		atomic {
			i = 0;
			do
			:: i < CONSUMERS -> waits[i] = in_section[i]; i++
			:: else -> break
			od
		}
		i = 0;
		do
		:: i < CONSUMERS -> !waits[i] || !in_section[i]; i++
		:: else -> break
		od;
		atomic {
			if
#ifdef policy_count_ignored
			:: requested ->
#elif defined(policy_request_ignored)
			:: count > 0 ->
#else
			:: requested || count > 0 ->
#endif
				state = STARTED;
#ifndef policy_revival_forgets_start
				started = true
#endif
			:: else ->
				assert(!requested);	/* who asked has it */
				state = DESTROYING
			fi
		}
		if
		:: state == DESTROYING ->
			assert(count == 0);
			destroyed = true;
			state = ABSENT
		:: else
		fi
	:: else -> break
	od
}

proctype consumer(byte me)
{
	bool have;

again:
	in_section[me] = true;
	if
	:: started -> count++; have = true
	:: else
	fi;
	in_section[me] = false;
	if
	:: have ->
		assert(!destroyed);
		count--
	:: else ->
		if
		:: atomic { state == STOPPED -> requested = true }
			state != STOPPED;
			if
			:: started -> goto again
			:: state == ABSENT || state == DESTROYING
			fi
		:: started -> goto again
		:: state == ABSENT || state == DESTROYING /* a load is needed */
		fi
	fi
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
