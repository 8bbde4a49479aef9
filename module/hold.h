/* SPDX-License-Identifier: GPL-2.0 */
/* Holds: names that a descriptor has taken down. */
#ifndef _RACELESS_HOLD_H
#define _RACELESS_HOLD_H

#include "raceless.h"

struct raceless_batch;
struct raceless_file;
struct raceless_hold;
struct raceless_teardown;

void raceless_holds_open(struct raceless_file *file);
struct raceless_hold *raceless_hold_take(struct raceless_file *file,
					 const char *name, u32 flags,
					 struct raceless_batch *batch);
int raceless_hold_await(struct raceless_hold *hold, unsigned long timeout);
void raceless_hold_report(struct raceless_hold *hold,
			  struct raceless_unload_entry *entry);
long raceless_hold_release(struct raceless_file *file, const char *name);
void raceless_holds_close(struct raceless_file *file);

/* For the life of an instance, under slot->lock. */
void raceless_hold_torn_down(struct raceless_slot *slot,
			     const struct raceless_teardown *times);
void raceless_hold_owner_gone(struct raceless_slot *slot);
void raceless_hold_published(struct raceless_slot *slot);
bool raceless_hold_forbids(struct raceless_slot *slot);

#endif /* _RACELESS_HOLD_H */
