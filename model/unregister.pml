/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unregistering several (unregister() of module/unregister.c, raceless_teardown_for() of
 * module/teardown.c), of which each may be in others' hands: about to be replaced by one whose init
 * fails in the end, in the init of a flight, which fails or not, or in a worker's teardown. Each may
 * have a reference on one other, which its destroy puts; not in a circle.
 *
 * Promised: nobody puts a reference on what is destroyed, each is destroyed once, and it ends: a
 * task that never does is an invalid end state.
 *
 * run:
 * run: -DMEMBERS=4
 * bug: unregister_drains_first
 * bug: unregister_settles_first
 * bug: unregister_forgets_loading
 * bug: stop_twice
 */
#ifndef MEMBERS
#define MEMBERS 3
#endif
#define NONE MEMBERS

mtype = { LIVE, LOADING, STOPPING, GONE };

mtype state[MEMBERS] = LIVE;
bool pending[MEMBERS];		/* a successor's init runs beside it */
bool batched[MEMBERS];		/* marked by who unregisters */
byte references[MEMBERS];
byte holds[MEMBERS] = NONE;	/* on which other it has a reference */
bool leaving[MEMBERS] = true;	/* who unregisters has still to mark it */
byte nr_leaving = MEMBERS, nr_batched;

#ifdef stop_twice
#define MINE(state) (state == LIVE || state == STOPPING)
#else
#define MINE(state) (state == LIVE)
#endif
#define SETTLED(m) (leaving[m] && !pending[m] && (MINE(state[m]) || state[m] == GONE))
#define DRAINED(m) (batched[m] && references[m] == 0)

inline destroy(m)
{
	atomic {
		assert(state[m] == STOPPING && references[m] == 0);
		if
		:: holds[m] != NONE ->
			assert(references[holds[m]] > 0 && state[holds[m]] != GONE);
			references[holds[m]]--;
			holds[m] = NONE
		:: else
		fi;
		state[m] = GONE
	}
}

/* A flight, whose provider asks for another in its init. */
proctype flight(byte m; byte wants)
{
	atomic {
		if
		:: wants != NONE && state[wants] == LIVE ->
			references[wants]++;
			holds[m] = wants
		:: else
		fi
	}
	if
	:: state[m] = LIVE
	:: atomic {			/* it fails, and puts what it has got */
		if
		:: holds[m] != NONE ->
			assert(state[holds[m]] != GONE);
			references[holds[m]]--;
			holds[m] = NONE
		:: else
		fi;
		state[m] = GONE
	}
	fi
}

/* A successor's init, which fails: the predecessor stays. */
proctype successor(byte m)
{
	pending[m] = false
}

/* An unload by name. */
proctype worker(byte m)
{
	references[m] == 0;
	destroy(m)
}

/* gather() of one that is settled. */
inline take(m)
{
	atomic {
		leaving[m] = false;
		nr_leaving--;
		if
		:: MINE(state[m]) -> state[m] = STOPPING; batched[m] = true; nr_batched++
		:: else
		fi
	}
}

inline end(m)
{
	batched[m] = false;
	nr_batched--;
	destroy(m)
}

proctype unregister()
{
	byte m;

#ifdef unregister_settles_first
	for (m : 0 .. MEMBERS - 1) {
		SETTLED(m)
	}
#endif
again:
	for (m : 0 .. MEMBERS - 1) {
		if
		:: SETTLED(m) -> take(m)
		:: else
		fi
	}
#ifdef unregister_forgets_loading
	for (m : 0 .. MEMBERS - 1) {
		if
		:: leaving[m] && state[m] == LOADING -> leaving[m] = false; nr_leaving--
		:: else
		fi
	}
#endif
	do
	:: DRAINED(0) -> end(0)
	:: DRAINED(1) -> end(1)
	:: DRAINED(2) -> end(2)
#if MEMBERS > 3
	:: DRAINED(3) -> end(3)
#endif
	/* it looks again from time to time, or waits for nothing else */
#ifdef unregister_drains_first
	:: nr_batched == 0 && (SETTLED(0) || SETTLED(1) || SETTLED(2)) -> goto again
#else
	:: SETTLED(0) || SETTLED(1) || SETTLED(2) -> goto again
#endif
#if MEMBERS > 3
	:: SETTLED(3) -> goto again
#endif
	:: nr_batched == 0 && nr_leaving == 0 -> break
	od;
	for (m : 0 .. MEMBERS - 1) {
		assert(state[m] == GONE)
	}
}

init {
	byte m, n;

	atomic {
		for (m : 0 .. MEMBERS - 1) {
			/* on an earlier one, or none */
			select(n : 0 .. m);
			if
			:: n == m -> n = NONE
			:: else
			fi;
			if
			:: state[m] = LOADING; run flight(m, n)
			:: n == NONE || state[n] != LOADING ->
				holds[m] = n;
				if
				:: n != NONE -> references[n]++
				:: else
				fi;
				if
				:: skip
				:: pending[m] = true; run successor(m)
				:: state[m] = STOPPING; run worker(m)
				fi
			fi
		}
		run unregister()
	}
}
