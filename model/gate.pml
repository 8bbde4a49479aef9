/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gate: module/gate, with calls that need a module, its deletes, one of which
 * has an exit that asks for the module itself, and an end of the gate at any time.
 * Time is left out: a bound is a step that may come at any moment (TIMEOUT), which
 * must not be needed, so that by default there is none.
 *
 * Promised: while the gate is on no call fails, a call is restarted once at most,
 * deletes come to their end, and when it is off nobody waits, nothing is leased.
 * With deletes that never end (live) each call does.
 */
#ifndef CALLERS
#define CALLERS 2
#endif
#ifndef RESTARTS
#define RESTARTS 1
#endif
#ifndef DELETES
#define DELETES 3
#endif

mtype = { ABSENT, COMING, LIVE, GOING };

mtype module = LIVE;
byte references;		/* of users, and of leases
 *
 * run: -DDELETES=6
 * run: -DDELETES=6 -DLEASE_ENDS -DRESTARTS=2
 * run: -DOFF -DLEASE_ENDS -DRESTARTS=2
 * bug: gate_no_lease -DDELETES=6
 * bug: gate_no_priority -DDELETES=6 -DLEASE_ENDS -DRESTARTS=4
 * bug: gate_call_not_ended
 * bug: gate_own_unload_waits
 * bug: gate_off_wakes_nobody -DOFF
 * live:
 * live: -DLEASE_ENDS
 * live: -Dgate_no_lease
 * live: -Dgate_no_priority
 * livebug: gate_no_priority -DLEASE_ENDS
 * livebug: gate_neither -Dgate_no_lease -Dgate_no_priority
 */
bool gate = true;

bool known[CALLERS];		/* a call that met something, until it ends */
bool retried[CALLERS];		/* it has been restarted, or is about to be */
bool ended[CALLERS];
bool leased;
bool lease_for[CALLERS];	/* the calls known at its begin */
byte modprobes;			/* that run */
bool exit_asks;			/* the exit that runs waits for a request of its own */

#define somebody_retried (retried[0] || retried[1])
#define lease_is_over (!(lease_for[0] && known[0]) && !(lease_for[1] && known[1]))

/* raceless_gate_leases_check(), when a call ends, and from off. */
inline check_lease()
{
	if
	:: leased && (lease_is_over || !gate) ->
		leased = false;
		lease_for[0] = false;
		lease_for[1] = false;
		references--
	:: else
	fi
}

/* A load, by a modprobe: a call itself, which waits for a module that goes. */
inline load()
{
	do
	:: atomic { module == ABSENT -> module = COMING }
		atomic {
			module = LIVE;
#ifndef gate_no_lease
			if
			:: gate && !leased && (known[0] || known[1]) ->
				leased = true;
				lease_for[0] = known[0];
				lease_for[1] = known[1];
				references++
			:: else
			fi
#endif
		}
		break
	:: module == LIVE -> break
	:: module == COMING -> module != COMING
	:: module == GOING && gate -> (module != GOING || !gate)
	:: module == GOING && !gate -> break	/* -EBUSY */
	od
}

active [CALLERS] proctype call()
{
	byte restarts;
	bool gone, loaded;
	byte me = _pid;

again:
	if
	:: atomic { module == LIVE -> references++ }
		skip;				/* it is mounted */
		references--;
		goto done
	:: atomic { module == GOING ->		/* a get that fails: remembered */
		known[me] = gate; gone = true }
	:: atomic { (module == ABSENT || module == COMING) ->	/* it is requested */
		known[me] = gate; loaded = true }
	fi;
	if
	:: loaded ->
		loaded = false;
		load();
		if
		:: atomic { module == LIVE -> references++ }
			skip;
			references--;
			goto done
		:: atomic { module != LIVE -> gone = true }
		fi
	:: else
	fi;
	/* it has failed because of a module that goes, or went: the end of the call */
	if
	:: atomic { gate && known[me] -> retried[me] = true }
		if
#ifdef gate_off_wakes_nobody
		:: module != GOING
#else
		:: module != GOING || !gate
#endif
		fi;
		gone = false;
#ifndef ENDLESS
		restarts++;
		assert(restarts <= RESTARTS);
#endif
		goto again
	:: !gate || !known[me]			/* the error is its user's */
	fi;
done:
	atomic {
#ifndef gate_call_not_ended
		known[me] = false;
#endif
		retried[me] = false;
		check_lease();
		ended[me] = true
	}
}

/* delete_module, one after the other. */
active proctype delete()
{
#ifdef ENDLESS
	do
	:: true ->
#else
	byte deletes;

	do
	:: deletes < DELETES ->
		deletes++;
#endif
#ifndef gate_no_priority
		/* older calls that are retried come first */
		(!somebody_retried || !gate);
#endif
		if
		:: atomic { module == LIVE && references == 0 -> module = GOING }
			if
			:: exit_asks = true;
				/* its exit asks for the module: let through at once */
#ifdef gate_own_unload_waits
				module != GOING || !gate;
#endif
				exit_asks = false
			:: skip
#ifdef OFF
			:: skip ->
end_stuck:			false		/* an exit that never ends */
#endif
			fi;
			module = ABSENT
		:: else				/* in use, or not there */
		fi
#ifndef ENDLESS
	:: else -> break
#endif
	od
}

#ifdef OFF
active proctype off()
{
	gate = false;
	atomic { check_lease() }
	/* raceless gate off returns when nobody waits */
}
#endif

#ifdef LEASE_ENDS
/* A caller so slow that its lease's bound comes first, each time. */
active proctype bound()
{
end_bound:
	atomic {
		leased -> leased = false;
		lease_for[0] = false;
		lease_for[1] = false;
		references--
	}
	goto end_bound
}
#endif

/* When all is over nothing is left. */
active proctype audit()
{
end_audit:
	timeout ->
	assert(references == 0 && !leased)
}

#ifdef ENDLESS
ltl served { <> ended[0] && <> ended[1] }
#endif
