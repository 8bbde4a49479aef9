/* SPDX-License-Identifier: GPL-2.0 */
/* The count of an instance's references. */
#ifndef _RACELESS_COUNT_H
#define _RACELESS_COUNT_H

#include <linux/completion.h>
#include <linux/llist.h>

#include "raceless.h"

/**
 * struct raceless_drain - where the last puts of some instances are awaited.
 * @ended: provider->drained; each put there by its last put.
 * @each: completed once for each of them, after that.
 * @next: taken off @ended already, the oldest first; the drainer's own.
 *
 * It may go when each instance that was folded into it has been awaited.
 */
struct raceless_drain {
	struct llist_head ended;
	struct completion each;
	struct llist_node *next;
};

void raceless_count_arm(struct raceless_provider *provider);
void raceless_count_fold(struct raceless_provider *provider,
			 struct raceless_drain *drain);
long raceless_count_read(struct raceless_provider *provider);

void raceless_drain_init(struct raceless_drain *drain);
struct raceless_provider *raceless_drain_await(struct raceless_drain *drain,
					       unsigned long timeout);

#endif /* _RACELESS_COUNT_H */
