/* SPDX-License-Identifier: GPL-2.0 */
/* The life of an instance, from init to destroy. */
#ifndef _RACELESS_INSTANCE_H
#define _RACELESS_INSTANCE_H

#include "raceless.h"

int raceless_instances_init(void);
void raceless_instances_exit(void);

void raceless_teardown_prepare(struct raceless_slot *slot);
void raceless_teardown_queue(struct raceless_slot *slot, bool polite);

int raceless_instance_start(struct raceless_slot *slot,
			    struct raceless_provider *provider);
void raceless_instance_claim(struct raceless_slot *slot,
			     struct raceless_provider *provider);
void raceless_unregister_owner(struct module *owner);

#endif /* _RACELESS_INSTANCE_H */
