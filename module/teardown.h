/* SPDX-License-Identifier: GPL-2.0 */
/* The end of an instance, from the mark to destroy. */
#ifndef _RACELESS_TEARDOWN_H
#define _RACELESS_TEARDOWN_H

#include "raceless.h"

/* How long the parts of an unload took. */
struct raceless_teardown {
	u64 stop_ns;
	u64 grace_ns;
	u64 drain_ns;
	u64 destroy_ns;
};

int raceless_teardowns_init(void);
void raceless_teardowns_exit(void);

void raceless_teardown_mark(struct raceless_slot *slot);
void raceless_teardown_retire(struct raceless_beside *beside);
void raceless_teardown_prepare(struct raceless_slot *slot);
void raceless_teardown_queue(struct raceless_slot *slot, bool polite);

void raceless_unregister_owner(struct module *owner);

#endif /* _RACELESS_TEARDOWN_H */
