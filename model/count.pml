/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The count of an instance's references: module/count.c, and raceless_tryget() and
 * raceless_put() of module/raceless.h, against raceless_teardown(). Two CPUs; three
 * consumers, each with one reference, taken on one CPU and dropped on another;
 * one of the references is handed off at publish.
 *
 * A preempt-off section runs on one CPU without another task of it, so that
 * this_cpu_inc() is one step; tasks of the other CPU come in between all steps.
 * Memory is sequentially consistent here: what that leaves out is in litmus/.
 */
#define CPUS 2
#define CONSUMERS 3
#ifdef bias_dropped_early
#define BIAS 1
#else
#define BIAS 100
#endif

bool live = true;		/* slot->live is not NULL
 *
 * run:
 * bug: mode_outside_section
 * bug: slot_outside_section
 * bug: no_grace_period
 * bug: fold_forgets_cpu
 * bug: handoff_not_counted
 * bug: replace_not_marked
 * bug: drainer_polls
 * bug: bias_dropped_early
 * bug: put_frees_early
 */
bool counting = true;		/* provider->mode */
short count[CPUS];		/* provider->count */
short folded = BIAS;
byte ended;			/* how often the drain has ended */
bool destroyed;			/* destroy has begun: nobody may use it */
bool freed;			/* nobody may even look at it */

byte references;		/* ghost: what the counts stand for */
bool busy[CPUS];		/* a section runs on this CPU */
bool in_section[CONSUMERS];	/* sections that a grace period waits for */

inline section_begin(c)
{
	atomic { !busy[c] -> busy[c] = true; in_section[me] = true }
}

inline section_end(c)
{
	atomic { busy[c] = false; in_section[me] = false }
}

inline end_drain()
{
	assert(!freed);
	ended++
}

/* The provider's memory is looked at: it must be there. */
inline touch()
{
	assert(!freed)
}

inline put(where)
{
#ifdef mode_outside_section
	seen = counting;
	section_begin(where);
#else
	section_begin(where);
	touch();
	seen = counting;
#endif
	if
	:: seen ->
		atomic { touch(); count[where]--; references-- }
	:: else ->
		atomic {
			touch();
			folded--;
			references--;
#ifdef put_frees_early
			zero = (folded == 1)
#else
			zero = (folded == 0)
#endif
		}
		if
		:: zero -> end_drain()
		:: else
		fi
	fi;
	section_end(where)
}

proctype consumer(byte me)
{
	bool seen, zero, have;
	byte cpu = me % CPUS;
	byte other = 1 - cpu;

	if
	:: me == 0 ->
		/* it waited, and publish gives it one before the pointer is set */
		have = true
	:: else ->
#ifdef slot_outside_section
		seen = live;
		section_begin(cpu);
#else
		section_begin(cpu);
		seen = live;
#endif
		if
		:: seen -> atomic { touch(); count[cpu]++; references++ } have = true
		:: else
		fi;
		section_end(cpu)
	fi;
	if
	:: have ->
		assert(!destroyed);	/* it runs the provider's code */
		put(other)
	:: else
	fi
}

/* raceless_teardown() of one instance, by another task. */
proctype teardown()
{
	bool waits[CONSUMERS];
	byte i;
	short sum;

	/* raceless_batch_mark() */
	live = false;
#ifndef replace_not_marked
	counting = false;
#endif

#ifndef no_grace_period
	/* it waits for the sections that run when it begins */
	atomic {
		i = 0;
		do
		:: i < CONSUMERS -> waits[i] = in_section[i]; i++
		:: else -> break
		od
	}
	i = 0;
	do
	:: i < CONSUMERS ->
		!waits[i] || !in_section[i];
		i++
	:: else -> break
	od;
#endif

	/* raceless_count_fold() */
	i = 0;
	do
#ifdef fold_forgets_cpu
	:: i < 1 ->
#else
	:: i < CPUS ->
#endif
		sum = sum + count[i]; i++
	:: else -> break
	od;
	atomic {
		folded = folded + sum - BIAS;
		i = (folded == 0)
	}
	if
	:: i -> end_drain()
	:: else
	fi;

	/* raceless_drain_await(): by the completion, never by looking at the count */
#ifdef drainer_polls
	folded == 0;
#else
	ended > 0;
#endif
	destroyed = true;
	assert(references == 0);
	freed = true;
end_done:
	/* exactly one ends the drain */
	(ended > 1) -> assert(false)
}

init {
	atomic {
#ifndef handoff_not_counted
		count[0]++; references++;
#endif
		run consumer(0);
		run consumer(1);
		run consumer(2);
		run teardown()
	}
#ifdef handoff_not_counted
	atomic { count[0]++; references++ }
#endif
}
