/* SPDX-License-Identifier: GPL-2.0 */
/* Getting a reference that may have to be waited for. */
#ifndef _RACELESS_WAIT_H
#define _RACELESS_WAIT_H

#include "raceless.h"

/**
 * struct raceless_ask - a get: what is wanted, and what came of it.
 * @pin: in: pin the owner module too.
 * @timeout: in: jiffies, or MAX_SCHEDULE_TIMEOUT.
 * @reason: out: why it failed.
 * @instance: out: of the reference.
 * @publish: out: of the reference.
 * @joined: out: the slot's publishes when the wait began, or @publish.
 * @waited_ns: out: 0 if it did not wait.
 */
struct raceless_ask {
	bool pin;
	unsigned long timeout;
	enum raceless_reason reason;
	u64 instance;
	u64 publish;
	u64 joined;
	u64 waited_ns;
};

struct raceless_provider *raceless_ask(struct raceless_slot *slot,
				       struct raceless_ask *ask);
struct raceless_provider *raceless_ask_now(struct raceless_slot *slot,
					   struct raceless_ask *ask);

/* For those who end waits. All take place under slot->lock … */
u32 raceless_waiters_hand_off(struct raceless_slot *slot,
			      struct raceless_provider *provider,
			      struct list_head *resolved);
u32 raceless_waiters_fail(struct raceless_slot *slot, int error,
			  struct list_head *resolved);
/* … but this one, which follows without it. */
void raceless_waiters_wake(struct list_head *resolved);

/* Whose op: at the most one of each runs at a time. */
enum raceless_op {
	RACELESS_OP_MAIN, /* of the slot's instance, or of its successor */
	RACELESS_OP_BESIDE, /* of its predecessor, that has been replaced */
};

void raceless_op_begin(struct raceless_slot *slot, enum raceless_op op);
void raceless_op_end(struct raceless_slot *slot, enum raceless_op op);

#endif /* _RACELESS_WAIT_H */
