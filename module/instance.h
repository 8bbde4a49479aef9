/* SPDX-License-Identifier: GPL-2.0 */
/* The life of an instance, from init to publish. */
#ifndef _RACELESS_INSTANCE_H
#define _RACELESS_INSTANCE_H

#include "raceless.h"

/* Under slot->lock. */
u64 raceless_instance_enter(struct raceless_slot *slot,
			    struct raceless_tenure *tenure,
			    enum raceless_state state);
void raceless_instance_claim(struct raceless_slot *slot,
			     struct raceless_tenure *tenure,
			     struct raceless_provider *provider);
void raceless_instance_publish(struct raceless_slot *slot,
			       struct list_head *resolved);

int raceless_instance_start(struct raceless_slot *slot,
			    struct raceless_provider *provider,
			    struct module *pin, bool revived);

/* Woken when any instance has entered another state, under its slot's lock. */
extern wait_queue_head_t raceless_leavers;

void raceless_instances_take(struct raceless_provider *const *those,
			     unsigned int nr, struct list_head *taken);
void raceless_instances_take_owned(struct module *owner,
				   struct list_head *taken);

#endif /* _RACELESS_INSTANCE_H */
