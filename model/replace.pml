/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Replacement, side by side: module/replace.c, with the loads of two successors,
 * the exit of each module, and the worker that takes a predecessor down
 * (teardown.c). Consumers that try while an instance is to be there always get one:
 * promise 7. What is done under slot->lock is one atomic step. References are
 * counted exactly (count.pml).
 */
#define NONE 0
#define INSTANCES 3		/* 1 is there at the begin; 2 and 3 replace what is there
 *
 * run:
 * bug: replace_two_at_once
 * bug: replace_with_a_gap
 * bug: replace_before_init
 * bug: replace_after_failure
 * bug: retiring_not_awaited
 * bug: replace_and_unregister
 */

byte live = 1;			/* slot->live */
byte current = 1;		/* slot->provider */
byte beside = NONE;		/* the predecessor that goes, or the successor that comes */
bool pending;			/* beside is a successor whose init runs */
bool unloading;			/* current is being unregistered */
bool work;			/* the worker has a predecessor to take down */

byte references[INSTANCES + 1];
bool alive[INSTANCES + 1];	/* ghost: from init to the end of destroy */
bool ready[INSTANCES + 1];	/* ghost: its init has returned well */
bool loaded[INSTANCES + 1];	/* its module's init is over */
byte nr_alive = 1;
bool over;			/* somebody unregisters what is current: gets may fail */

inline end_of(n)
{
	references[n] == 0;	/* the drain */
	assert(references[n] == 0);
	atomic { alive[n] = false; ready[n] = false; nr_alive-- }
}

/* The module of successor n: its init registers with replace. */
proctype successor(byte n)
{
	bool failed;

	/* try_claim(), raceless_replace_claim() */
#ifdef replace_two_at_once
	atomic { (current != NONE && !pending && !unloading) -> beside = n; pending = true }
#else
	if
	:: atomic { (current != NONE && beside == NONE && !unloading) -> beside = n; pending = true }
	:: over -> goto out		/* nobody is there any more: an ordinary load, slot.pml */
	fi;
#endif
	alive[n] = true;
	nr_alive++;
	assert(nr_alive <= 2);
#ifdef replace_with_a_gap
	live = NONE;
#endif
#ifdef replace_before_init
	live = n;
#endif
	if
	:: failed = false; ready[n] = true
	:: failed = true
	fi;
	/* raceless_replace_decide() */
	atomic {
		pending = false;
		if
#ifdef replace_after_failure
		:: true ->
#else
		:: !failed ->
#endif
			beside = current;
			current = n;
			live = n;
			work = true
#ifndef replace_after_failure
		:: failed ->
			alive[n] = false;
			nr_alive--;
			beside = NONE
#endif
		fi
	}
out:
	loaded[n] = true
}

/* Takes a predecessor down. */
active proctype worker()
{
end_idle:
	work -> work = false;
	end_of(beside);
	beside = NONE;
	goto end_idle
}

/* The exit of the module of instance n: raceless_unregister(). */
proctype leave(byte n)
{
	loaded[n];
	if
	/* it was replaced: a worker destroys it */
	:: (current != n && ready[n]) ->
#ifndef retiring_not_awaited
		beside != n;
#endif
		skip
	/* settled(): not while a successor's init runs */
#ifdef replace_and_unregister
	:: atomic { current == n -> unloading = true; over = true; live = NONE }
#else
	:: atomic { current == n && !pending -> unloading = true; over = true; live = NONE }
#endif
		end_of(n);
		atomic { current = NONE; unloading = false }
	:: (current != n && !ready[n])	/* it has gone, or has never been */
	fi;
	assert(!alive[n])	/* the module's text goes now */
}

proctype consumer()
{
	byte mine;

	atomic {
		mine = live;
		if
		:: mine == NONE -> assert(over)	/* replacement fails no get */
		:: else -> references[mine]++
		fi
	}
	if
	:: mine != NONE ->
		assert(alive[mine] && ready[mine]);
		references[mine]--
	:: else
	fi
}

init {
	atomic {
		alive[1] = true;
		ready[1] = true;
		loaded[1] = true;
		run successor(2);
		run successor(3);
		run leave(1);
		run leave(2);
		run consumer();
		run consumer()
	}
}
