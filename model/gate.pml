/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gate: module/gate, with calls that need a module, its deletes, one of which
 * has an exit that asks for the module itself, and an end of the gate at any time.
 * A call is of its own kind each time: one that fails when its get does, or asks then
 * for the module, whose load by modprobe is another call. What raceless.ko does under
 * its lock is one atomic step. Time is left out: a bound is a step that may come at
 * any moment (LEASE_ENDS), which must not be needed, so that by default there is none.
 *
 * Promised: a call fails only when the gate is off, or if what it wants is not there
 * (MISSING: of call 1) or fails to load (FAILS: so many inits do). It is held only
 * for a delete, and RESTARTS times at the most, those not counted in which a get of it
 * had begun before the delete. What it has loaded itself it finds, unless its lease
 * ends. A delete is told "in use" because of somebody, not of a lease alone, and comes
 * to its end, whoever stays (STAYS: call 0, until then). When the gate is off nobody
 * waits, nothing is leased and no call known. With deletes that never end (live) each
 * call does.
 *
 * gate_known_get_not_seen is what the code did until November 2026: a get that began
 * before a second delete was not looked for once the call was known.
 *
 * run:
 * run: -DDELETES=6
 * run: -DLEASE_ENDS
 * run: -DDELETES=1 -DOFF -DLEASE_ENDS
 * run: -DDELETES=2 -DFAILS=1
 * run: -DMISSING
 * run: -DSTAYS
 * run: -DDELETES=2 -DHELPER_DELETES
 * bug: gate_get_not_seen
 * bug: gate_begun_get_not_seen
 * bug: gate_known_get_not_seen
 * bug: gate_no_lease
 * bug: gate_no_priority -DLEASE_ENDS
 * bug: gate_call_not_ended
 * bug: gate_own_unload_waits
 * bug: gate_helper_delete_waits -DDELETES=2 -DHELPER_DELETES
 * bug: gate_delete_meets_leases
 * bug: gate_lease_hides_users -DSTAYS
 * bug: gate_missing_retried -DMISSING
 * bug: gate_failed_init_retried -DDELETES=2 -DFAILS=1
 * bug: gate_lease_at_coming -DDELETES=2 -DFAILS=1
 * bug: gate_off_wakes_nobody -DDELETES=1 -DOFF
 * bug: gate_off_keeps_calls -DDELETES=1 -DOFF
 * live:
 * live: -DLEASE_ENDS
 * live: -Dgate_no_lease
 * live: -Dgate_no_priority
 * livebug: gate_no_priority -DLEASE_ENDS
 * livebug: gate_neither -Dgate_no_lease -Dgate_no_priority
 */
#ifndef CALLERS
#define CALLERS 2
#endif
#ifndef RESTARTS
#define RESTARTS 2
#endif
#ifndef DELETES
#define DELETES 3
#endif
#ifndef FAILS
#define FAILS 0
#endif
/* A call that has met nothing: may a get of it have begun before a delete? */
#ifdef gate_begun_get_not_seen
#define suspect false
#elif defined(gate_known_get_not_seen)
#define suspect !known[me]
#elif defined(ENDLESS)
#define suspect true
#else
#define suspect (suspected < 2)
#endif
/* What a request has loaded itself stays until its call has had its chance. */
#if defined(LEASE_ENDS) || defined(ENDLESS)
#define BY_ITSELF FOUND
#else
#define BY_ITSELF LOADED
#endif
#ifdef MISSING
#define missing (me == 1)
#else
#define missing false
#endif

mtype = { ABSENT, COMING, LIVE, GOING };
mtype = { NOTHING, LOADED, FOUND, LOAD_FAILED, INIT_FAILED };	/* what came of a request */

mtype module = LIVE;
byte users;			/* their references, and the lease's: */
bool leased;
byte fails = FAILS;		/* inits that may yet fail */
bool gate = true;

/* The calls that raceless.ko knows, until they end, and the loads of their modprobes. */
#define CALLS 4
#define LOAD_OF(me) (CALLERS + me)
bool known[CALLS];
bool retried[CALLS];		/* it has been held */
bool queued[CALLS];		/* it is */
bool lease_for[CALLS];		/* those known at its begin */
bool raced[CALLS];		/* evidence: a delete, since its request or load began */

bool getting[CALLERS];		/* a get that has begun: unregistering waits for it */
bool ended[CALLERS];
bool deletes_over;

#define any(what) (what[0] || what[1] || what[2] || what[3])
#define any_of(what, that) \
	((what[0] && that[0]) || (what[1] && that[1]) || (what[2] && that[2]) || (what[3] && that[3]))

inline end_lease()
{
	leased = false;
	lease_for[0] = false;
	lease_for[1] = false;
	lease_for[2] = false;
	lease_for[3] = false
}

/* raceless_gate_leases_check(), when a call ends, and from off. */
inline check_lease()
{
	if
	:: leased && (!gate || !any_of(lease_for, known)) -> end_lease()
	:: else
	fi
}

/* raceless_gate_lease_take() */
inline take_lease()
{
#ifndef gate_no_lease
	if
	:: gate && any(known) ->
		leased = true;
		lease_for[0] = known[0];
		lease_for[1] = known[1];
		lease_for[2] = known[2];
		lease_for[3] = known[3]
	:: else
	fi
#else
	skip
#endif
}

/* A call is over: told by a program at its end, or by its own work. */
inline forget(call)
{
	known[call] = false;
	retried[call] = false;
	queued[call] = false;
	check_lease()
}

/* Programs go with the gate: they see no end then. */
inline end_call(call)
{
	if
#ifndef gate_call_not_ended
	:: gate -> forget(call)
#endif
	:: else
	fi
}

/* Held already: until the module is gone or live, as far as it is known which. */
inline wait(call, named)
{
	if
#ifdef gate_off_wakes_nobody
	:: !named || module != GOING
#else
	:: !named || module != GOING || !gate
#endif
	fi;
	atomic {
		queued[call] = false;
		if
		:: !gate -> forget(call)
		:: else
		fi
	}
}

inline hold(call)
{
	known[call] = true;
	retried[call] = true;
	queued[call] = true
}

#define has_to_wait(older) \
	((older[0] && retried[0]) || (older[1] && retried[1]) || \
	 (older[2] && retried[2]) || (older[3] && retried[3]) || is_leased)
#ifdef gate_delete_meets_leases
#define is_leased false
#elif defined(gate_lease_hides_users)
#define is_leased leased
#else
#define is_leased (leased && users == 0)
#endif

/* A load, by a modprobe; what came of it. */
inline load()
{
#ifdef HELPER_DELETES
	/* modprobe.d has it delete first, what is not there */
	if
	:: skip
	:: atomic {
		older[0] = known[0];
		older[1] = known[1];
		older[2] = known[2];
		older[3] = known[3]
	   }
#ifdef gate_helper_delete_waits
		(!gate || !has_to_wait(older));
#endif
		older[0] = false;
		older[1] = false;
		older[2] = false;
		older[3] = false
	fi;
#endif
	do
	:: missing -> break
	:: !missing ->
		d_step {
			raced[LOAD_OF(me)] = (module == GOING);
			busy = false
		}
		if
		:: atomic { module == ABSENT ->
			module = COMING;
#ifdef gate_lease_at_coming
			take_lease()
#endif
		   }
			if
			:: atomic { module = LIVE;
#ifndef gate_lease_at_coming
				take_lease();
#endif
				came = BY_ITSELF }
			:: atomic { fails > 0 ->
				fails--;
				assert(!leased);	/* it is freed whatever its count */
				module = ABSENT;
				came = INIT_FAILED }
			fi
		:: module == LIVE -> came = FOUND
		:: atomic { module != ABSENT && module != LIVE ->	/* GOING: -EBUSY */
			busy = (module == GOING);
			came = LOAD_FAILED }
			if
			:: busy
			:: atomic { !busy && module != COMING ->
				if
				:: module == LIVE -> came = FOUND
				:: else -> busy = true
				fi }
			fi
		fi;
		if
#ifdef gate_failed_init_retried
		:: atomic { busy && gate ->
			assert(raced[LOAD_OF(me)]);
#else
		:: atomic { busy && gate && raced[LOAD_OF(me)] ->
#endif
			hold(LOAD_OF(me)) }
			wait(LOAD_OF(me), true)
		:: else -> break
		fi
	od;
	atomic {
		busy = false;
		raced[LOAD_OF(me)] = false;
		end_call(LOAD_OF(me))
	}
}

active [CALLERS] proctype call()
{
	byte restarts, suspected;
	bool met_get, requested, busy, before;
	mtype came;
#ifdef HELPER_DELETES
	bool older[CALLS];
#endif
	byte me = _pid;

again:
	atomic {
		met_get = false;
		requested = false;
		came = NOTHING;
		raced[me] = false
	}
get:
	if
	:: atomic { module == LIVE && !missing -> getting[me] = true }
		/* on_get() has looked */
		if
		:: atomic { module == LIVE -> getting[me] = false; users++ }
			if
			:: skip
#ifdef STAYS
			:: me == 0 && !retried[me] -> deletes_over
#endif
			fi;
			users--;
			goto done
		:: atomic { module != LIVE -> getting[me] = false }
		fi
	:: module == GOING && !missing ->
#ifndef gate_get_not_seen
		met_get = true
#endif
	:: module != LIVE || missing -> goto absent	/* nothing is registered */
	fi;
	if
	:: skip -> goto failed
	:: skip
	fi;
absent:
	if
	:: !requested ->
		atomic {
			requested = true;
			raced[me] = (module == GOING);
			if
			:: gate -> known[me] = true
			:: else
			fi
		}
		load();
		goto get
	:: else
	fi;
failed:
	/* the end of the call: what it has met */
	if
	:: atomic { gate && (met_get ||
#ifdef gate_missing_retried
			     (requested && raced[me]) ||
#else
			     (came != NOTHING && came != INIT_FAILED && raced[me]) ||
#endif
			     (!met_get && !requested && suspect)) ->
		assert(!missing);
		assert(came != LOADED);		/* it stays for who asked */
		before = !met_get && !requested;
#ifndef ENDLESS
		if
		:: before -> suspected++
		:: else -> restarts++; assert(restarts <= RESTARTS)
		fi;
#endif
		hold(me) }
		wait(me, !before);
		before = false;
		goto again
	:: else ->			/* the error is its user's */
		assert(!gate || missing || came == INIT_FAILED ||
		       (came == LOAD_FAILED && fails < FAILS && !raced[me]))
	fi;
done:
	atomic {
		end_call(me);
		ended[me] = true
	}
}

/* delete_module, one after the other. */
active proctype delete()
{
	bool older[CALLS];
	bool unused;		/* by anybody, when it has waited */
#ifdef ENDLESS
	do
	:: true ->
#else
	byte deletes;

	do
	:: deletes < DELETES ->
		deletes++;
#endif
		atomic {
#ifndef gate_no_priority
			older[0] = known[0];
			older[1] = known[1];
			older[2] = known[2];
			older[3] = known[3]
#else
			skip
#endif
		}
		atomic {
			!gate || !has_to_wait(older) ->
			unused = (module == LIVE && users == 0);
			older[0] = false;
			older[1] = false;
			older[2] = false;
			older[3] = false
		}
		if
		:: atomic { module == LIVE && users == 0 && !leased ->
			module = GOING;
			unused = false;
			raced[0] = known[0];
			raced[1] = known[1];
			raced[2] = known[0];
			raced[3] = known[1] }
			!getting[0] && !getting[1];
			if
			:: skip
#ifdef gate_own_unload_waits
			/* its exit asks for the module: to be let through at once */
			:: skip -> module != GOING || !gate
#endif
#ifdef OFF
			:: skip ->
end_stuck:			false		/* an exit that never ends */
#endif
			fi;
			module = ABSENT
		:: atomic { module == LIVE && (users > 0 || leased) ->
			/* in use, but by a lease alone only if it was in use before */
			assert(users > 0 || !unused || !gate);
			unused = false }
		:: atomic { module != LIVE -> unused = false }
		fi
#ifndef ENDLESS
	:: else -> break
#endif
	od;
	deletes_over = true
}

#ifdef OFF
active proctype off()
{
	gate = false;
	atomic { check_lease() }
#ifndef gate_off_keeps_calls
	atomic {
		if :: !queued[0] -> forget(0) :: else fi;
		if :: !queued[1] -> forget(1) :: else fi;
		if :: !queued[2] -> forget(2) :: else fi;
		if :: !queued[3] -> forget(3) :: else fi
	}
#endif
	/* raceless gate off returns when nobody waits */
}
#endif

#ifdef LEASE_ENDS
/* A caller so slow that its lease's bound comes first, each time. */
active proctype bound()
{
end_bound:
	atomic { leased -> end_lease() }
	goto end_bound
}
#endif

/* When all is over nothing is left. */
active proctype audit()
{
end_audit:
	timeout ->
	assert(users == 0 && !leased && !any(known))
}

#ifdef ENDLESS
ltl served { <> ended[0] && <> ended[1] }
#endif
