/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The life of a slot (module/slot.c): users find that of one name, or make it, keep it
 * and put it; another looks the name up and uses what it finds without a reference
 * (raceless_tryget_name()). Slots have numbers, and none is made twice.
 *
 * Promised: nobody uses what is freed, a name never has two slots, and the last put
 * leaves none.
 *
 * run:
 * run: -DUSERS=3
 * bug: slot_freed_at_once
 * bug: slot_dead_one_taken
 * bug: slot_dropped_unlocked
 * bug: slot_made_unlooked
 */
#ifndef USERS
#define USERS 2
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#define SLOTS (USERS * ROUNDS)
#define NONE SLOTS

byte table = NONE;		/* the slot of the name */
byte refs[SLOTS];
bool freed[SLOTS];
byte made;			/* so many were */
bool locked;			/* slots_mutex */
bool in_section[USERS + 1];	/* of RCU */

#define lock()		atomic { !locked -> locked = true }
#define unlock()	locked = false

/* find() */
inline find()
{
	in_section[me] = true;
	slot = table;
	if
	:: slot != NONE ->
		atomic {
			assert(!freed[slot]);
			if
#ifdef slot_dead_one_taken
			:: refs[slot]++
#else
			:: refs[slot] > 0 -> refs[slot]++
			:: else -> slot = NONE
#endif
			fi
		}
	:: else
	fi;
	in_section[me] = false
}

/* free_slot(), a grace period after the last put: a worker. */
proctype free(byte slot)
{
	bool waits[USERS + 1];
	byte i;

#ifndef slot_freed_at_once
	atomic {
		for (i : 0 .. USERS) {
			waits[i] = in_section[i]
		}
	}
	for (i : 0 .. USERS) {
		!waits[i] || !in_section[i]
	}
#endif
	assert(refs[slot] == 0 && table != slot);
	freed[slot] = true
}

proctype user(byte me)
{
	byte slot, round;
	bool last;

	for (round : 1 .. ROUNDS) {
		/* raceless_slot_get() */
		find();
		if
		:: slot == NONE ->
			lock();
#ifndef slot_made_unlooked
			find();
#endif
			if
			:: slot == NONE ->
				atomic { slot = made; made++; refs[slot] = 1 }
				assert(table == NONE);
				table = slot
			:: else
			fi;
			unlock()
		:: else
		fi;
		assert(!freed[slot] && table == slot);
		/* raceless_slot_put() */
		last = false;
#ifdef slot_dropped_unlocked
		atomic { refs[slot]--; last = (refs[slot] == 0) }
		if
		:: last -> lock()
		:: else
		fi;
#else
		if
		:: atomic { refs[slot] > 1 -> refs[slot]-- }
		:: refs[slot] == 1 ->
			lock();
			atomic { refs[slot]--; last = (refs[slot] == 0) }
			if
			:: !last -> unlock()
			:: else
			fi
		fi;
#endif
		if
		:: last ->
			table = NONE;
			unlock();
			run free(slot)
		:: else
		fi
	}
}

/* raceless_tryget_name() */
proctype looker(byte me)
{
	byte slot;

	in_section[me] = true;
	slot = table;
	if
	:: slot != NONE -> assert(!freed[slot])
	:: else
	fi;
	in_section[me] = false
}

active proctype audit()
{
end_audit:
	timeout -> assert(table == NONE && !locked)
}

init {
	byte i;

	atomic {
		for (i : 0 .. USERS - 1) {
			run user(i)
		}
		run looker(USERS)
	}
}
