/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A batch: two names that are taken down together (raceless_teardown() of
 * module/teardown.c, the drain of module/count.c), with the next instance of each.
 * One consumer keeps a reference on the first name while it waits for the second;
 * others use both. References are counted exactly (count.pml).
 *
 * Promised: nobody uses what is destroyed, no init before the old destroy has
 * returned, and a name is vacant as soon as its own instance is destroyed, so that a
 * drain that lasts keeps nobody: a task that never ends is an invalid end state.
 *
 * run:
 * run: -DCONSUMERS=4
 * bug: batch_drains_in_order
 * bug: batch_no_grace_period
 * bug: batch_folds_early
 * bug: batch_wakes_once
 * bug: batch_wakes_first
 * bug: batch_vacates_at_the_end
 */
#define NAMES 2
#ifndef CONSUMERS
#define CONSUMERS 3
#endif

bool live[NAMES] = true;	/* slot->live of the first instance */
bool next[NAMES];		/* the next instance is published */
bool vacant[NAMES];
bool alive[NAMES] = true;	/* ghost: the first instance, to the end of its destroy */
byte references[NAMES];		/* on it */
bool folded[NAMES];		/* from here on the last put ends the drain */

/* The drain. */
bool ended[NAMES];		/* on drain->ended */
byte each;			/* the completion */

bool in_section[CONSUMERS];

inline end_drain(name)
{
#ifdef batch_wakes_first
	each++;
	ended[name] = true
#else
	ended[name] = true;
#ifdef batch_wakes_once
	each = 1
#else
	each++
#endif
#endif
}

inline put(name)
{
	atomic {
		assert(alive[name]);
		references[name]--;
		last = folded[name] && references[name] == 0
	}
	if
	:: last -> end_drain(name)
	:: else
	fi
}

inline tryget(name, have)
{
	in_section[me] = true;
	seen = live[name];
	if
	:: seen -> atomic { assert(!folded[name]); references[name]++ }
		have = true
	:: else -> have = false
	fi;
	in_section[me] = false
}

proctype consumer(byte me)
{
	bool seen, last, first, second;
	byte one = me % NAMES;
	byte other = 1 - one;

	tryget(one, first);
	if
	:: first ->
		assert(alive[one]);
		if
		:: me == 0 ->		/* keeps it, and gets the other */
			tryget(other, second);
			if
			:: second -> put(other)
			:: else -> next[other]
			fi
		:: else
		fi;
		put(one)
	:: else
	fi
}

/* The flight of a name, which somebody waits for. */
proctype flight(byte name)
{
	vacant[name];
	assert(!alive[name]);		/* init of the next instance */
	next[name] = true
}

active proctype teardown()
{
	bool waits[CONSUMERS];
	byte i, n;

	/* raceless_batch_mark() of each, and then stop of each */
	live[0] = false;
	live[1] = false;
#ifdef batch_folds_early
	folded[0] = true;
	if
	:: references[0] == 0 -> end_drain(0)
	:: else
	fi;
#endif
#ifndef batch_no_grace_period
	atomic {
		do
		:: i < CONSUMERS -> waits[i] = in_section[i]; i++
		:: else -> break
		od;
		i = 0
	}
	do
	:: i < CONSUMERS -> !waits[i] || !in_section[i]; i++
	:: else -> break
	od;
#endif
	n = 0;
	do
	:: n < NAMES ->
#ifdef batch_folds_early
		if
		:: n == 0
		:: else ->
#endif
		atomic { folded[n] = true; i = references[n] }
		if
		:: i == 0 -> end_drain(n)
		:: else
		fi;
#ifdef batch_folds_early
		fi;
#endif
		n++
	:: else -> break
	od;
	i = 0;
	do
	:: i < NAMES ->
#ifdef batch_drains_in_order
		ended[i];
		n = i;
#else
		atomic { each > 0 -> each-- }
		/* each is added before it is completed: there is one for us */
		assert(ended[0] || ended[1]);
		if
		:: ended[0] -> n = 0
		:: ended[1] -> n = 1
		fi;
#endif
		ended[n] = false;
		assert(references[n] == 0);
		skip;			/* destroy */
		alive[n] = false;
#ifndef batch_vacates_at_the_end
		vacant[n] = true;
#endif
		i++
	:: else -> break
	od;
#ifdef batch_vacates_at_the_end
	vacant[0] = true;
	vacant[1] = true
#endif
}

init {
	byte i;

	atomic {
		run flight(0);
		run flight(1);
		do
		:: i < CONSUMERS -> run consumer(i); i++
		:: else -> break
		od
	}
}
