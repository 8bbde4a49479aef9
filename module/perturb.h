/* SPDX-License-Identifier: GPL-2.0 */
/* Points at which a test build loses time, or its CPU; others have nothing of it. */
#ifndef _RACELESS_PERTURB_H
#define _RACELESS_PERTURB_H

/**
 * enum raceless_point - steps between which somebody else may come.
 * @RACELESS_POINT_TRYGET: the pointer is read, nothing is counted.
 * @RACELESS_POINT_PUT: "counting" is read, nothing is counted.
 * @RACELESS_POINT_MARKED: an unload is marked, stop is still to come.
 * @RACELESS_POINT_GRACE_OVER: the grace period is over, nothing is folded.
 * @RACELESS_POINT_SUMMED: the counts are added up, and not yet in the atomic.
 * @RACELESS_POINT_ZEROED: the last put was seen, the drainer does not know.
 * @RACELESS_POINT_DESTROYED: destroy has returned, the state says nothing of it.
 * @RACELESS_POINT_VACATING: the instance is gone, its name is not vacant.
 * @RACELESS_POINT_CLAIMED: a register has the name, init is still to come.
 * @RACELESS_POINT_INITIALISED: init has returned, nothing is published.
 * @RACELESS_POINT_MISSED: a get has found nothing, and has not joined who wait.
 * @RACELESS_POINT_LEAVING: a waiter was killed or its time is up; it is on the list.
 * @RACELESS_POINT_RESOLVED: waiters have their result, and have not been woken.
 * @RACELESS_POINT_MODPROBE: a flight is about to ask for a module.
 * @RACELESS_POINT_LANDING: a flight's modprobe has ended, the flight has not.
 */
enum raceless_point {
	RACELESS_POINT_TRYGET,
	RACELESS_POINT_PUT,
	RACELESS_POINT_MARKED,
	RACELESS_POINT_GRACE_OVER,
	RACELESS_POINT_SUMMED,
	RACELESS_POINT_ZEROED,
	RACELESS_POINT_DESTROYED,
	RACELESS_POINT_VACATING,
	RACELESS_POINT_CLAIMED,
	RACELESS_POINT_INITIALISED,
	RACELESS_POINT_MISSED,
	RACELESS_POINT_LEAVING,
	RACELESS_POINT_RESOLVED,
	RACELESS_POINT_MODPROBE,
	RACELESS_POINT_LANDING,
	/* private: */
	RACELESS_NR_POINTS
};

#ifdef RACELESS_PERTURBED
void raceless_perturb(enum raceless_point point);
#else
static __always_inline void raceless_perturb(enum raceless_point point)
{
}
#endif

#endif /* _RACELESS_PERTURB_H */
