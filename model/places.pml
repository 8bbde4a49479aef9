/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The line for places among the modprobes (module/places.c, flight_work() of
 * module/flight.c). A flight stands in it without anything queued, and is called. What
 * is done under slot->lock and places_lock is one atomic step; work that is queued
 * while it runs runs once more. Flight 0's name is published by somebody else at any
 * moment, flight 1's last waiter leaves at any moment, flight 2 may have to wait for
 * a module that goes, each may have to try again; one modprobe may never end.
 *
 * run:
 * run: -DPLACES=2
 * run: -DHUNG
 * bug: place_not_passed_on
 * bug: line_left_in_silence
 * bug: line_not_hurried -DHUNG
 * bug: line_kept_by_nobody -DHUNG
 * bug: line_called_twice
 * bug: line_called_for_ever
 */
#ifndef PLACES
#define PLACES 1
#endif
#ifndef FLIGHTS
#define FLIGHTS 3
#endif
#define LAST	(FLIGHTS - 1)

chan line = [FLIGHTS] of { byte };
bool called[FLIGHTS];
bool queued[FLIGHTS];
bool over[FLIGHTS];
bool landed[FLIGHTS];
byte nr_modprobes;

inline call(whom)
{
#ifdef line_called_twice
	called[whom] = true;
	queued[whom] = true
#else
	if
	:: !called[whom] -> called[whom] = true; queued[whom] = true
	:: else
	fi
#endif
}

inline call_first()
{
	if
	:: nr_modprobes < PLACES && nempty(line) -> line?<first>; call(first)
	:: else
	fi
}

/* raceless_place_take() */
inline take()
{
#ifndef line_called_for_ever
	called[me] = false;
#endif
	if
	:: line??[eval(me)]
	:: else -> line!me
	fi;
	if
	:: nr_modprobes < PLACES && line?[eval(me)] ->
		line?eval(me);
		nr_modprobes++;
		has_place = true;
		call_first()
	:: else
	fi
}

/* raceless_line_leave() */
inline leave()
{
	called[me] = false;
	if
	:: line??[eval(me)] -> line??eval(me)
	:: else
	fi;
#ifndef line_left_in_silence
	call_first()
#endif
}

inline land()
{
	assert(!queued[me]);	/* its slot may be freed */
	landed[me] = true
}

proctype flight(byte me)
{
	byte first;
	bool has_place, is_over, wait, tried, busy = (me == 2);

end_idle:
	atomic { queued[me] -> queued[me] = false }
	atomic {
		has_place = false;
		is_over = over[me];
		wait = !is_over && busy;
		if
		:: is_over || wait -> leave()
		:: else -> take()
		fi
	}
	if
	:: is_over -> atomic { land(); goto end }
	:: wait -> busy = false; queued[me] = true
	:: has_place ->
#ifdef HUNG
		if
		:: me == LAST -> goto end
		:: else
		fi;
#endif
		assert(nr_modprobes <= PLACES);
		atomic {
			nr_modprobes--;
#ifndef place_not_passed_on
			call_first()
#endif
		}
		if
		:: !tried -> tried = true; queued[me] = true
		:: atomic { land(); goto end }
		fi
	:: else		/* it stands in the line */
	fi;
	goto end_idle;
end:	skip
}

/* raceless_instance_publish(), and an unload that waits for the landing. */
active proctype publisher()
{
	atomic {
		over[0] = true;
#ifndef line_not_hurried
		if
		:: line??[0] -> call(0)
		:: else
		fi
#endif
	}
	landed[0]
}

/* The last who waited has gone: a timeout. */
active proctype waiter()
{
	atomic {
		over[1] = true;
#ifndef line_kept_by_nobody
		if
		:: line??[1] -> call(1)
		:: else
		fi
#endif
	}
	landed[1]
}

init {
	byte i;

	atomic {
		do
		:: i < FLIGHTS -> queued[i] = true; run flight(i); i++
		:: else -> break
		od
	}
#ifndef HUNG
	i = 0;
	do
	:: i < FLIGHTS -> landed[i]; i++
	:: else -> break
	od
#endif
}
