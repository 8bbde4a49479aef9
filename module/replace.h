/* SPDX-License-Identifier: GPL-2.0 */
/* Replacement side by side: one instance takes over from another that is live. */
#ifndef _RACELESS_REPLACE_H
#define _RACELESS_REPLACE_H

#include "raceless.h"

/**
 * struct raceless_beside - the second instance of a name.
 * @tenure: the successor's while its init runs, then the predecessor's.
 * @slot: of the name.
 * @retire: the worker that takes the predecessor down; it has a reference on the
 *	slot.
 * @refs: of the successor's register, and of the worker.
 */
struct raceless_beside {
	struct raceless_tenure tenure;
	struct raceless_slot *slot;
	struct work_struct retire;
	refcount_t refs;
};

struct raceless_beside *raceless_beside_alloc(struct raceless_slot *slot);
void raceless_beside_put(struct raceless_beside *beside);

int raceless_replace_claim(struct raceless_slot *slot,
			   struct raceless_provider *provider,
			   struct raceless_beside *beside);
void raceless_replace_decide(struct raceless_slot *slot, int error);

/* Under slot->lock: does a successor's init run beside the slot's instance? */
static inline bool raceless_replace_pending(const struct raceless_slot *slot)
{
	return slot->beside && slot->beside->tenure.state == RACELESS_LOADING;
}

void raceless_replace_over(struct raceless_slot *slot);

/* Under slot->lock: does the provider go, having been replaced? */
static inline bool
raceless_replace_retires(const struct raceless_slot *slot,
			 const struct raceless_provider *provider)
{
	return slot->beside && slot->beside->tenure.provider == provider;
}

#endif /* _RACELESS_REPLACE_H */
