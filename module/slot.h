/* SPDX-License-Identifier: GPL-2.0 */
/* Slots: the table of names. */
#ifndef _RACELESS_SLOT_H
#define _RACELESS_SLOT_H

#include "raceless.h"

int raceless_slots_init(void);
void raceless_slots_wait_empty(void);
void raceless_slots_exit(void);

struct raceless_slot *raceless_slot_find(const char *name);
void raceless_slots_walk_enter(struct rhashtable_iter *iter);
void raceless_slots_walk_rewind(struct rhashtable_iter *iter);
void raceless_slots_walk_exit(struct rhashtable_iter *iter);
void raceless_slots_walk_start(struct rhashtable_iter *iter) __acquires(RCU);
struct raceless_slot *raceless_slots_walk_next(struct rhashtable_iter *iter);
struct raceless_slot *raceless_slots_walk_peek(struct rhashtable_iter *iter);
void raceless_slots_walk_stop(struct rhashtable_iter *iter) __releases(RCU);

#endif /* _RACELESS_SLOT_H */
