/* SPDX-License-Identifier: GPL-2.0 */
/* Waits of several steps that share one time-out. */
#ifndef RACELESS_DEADLINE_H
#define RACELESS_DEADLINE_H

#include <linux/jiffies.h>

/**
 * raceless_time_left() - how long a step may still wait.
 * @deadline: in jiffies.
 *
 * Jiffies go on between two looks: with one for the comparison and another one for
 * the difference, a deadline that passes in between leaves almost for ever.
 *
 * Context: any.
 * Return: in jiffies; 0 if the deadline has passed.
 */
static inline unsigned long raceless_time_left(unsigned long deadline)
{
	unsigned long now = jiffies;

	return time_before(now, deadline) ? deadline - now : 0;
}

#endif /* RACELESS_DEADLINE_H */
