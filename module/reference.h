/* SPDX-License-Identifier: GPL-2.0 */
/* References that a descriptor holds. */
#ifndef _RACELESS_REFERENCE_H
#define _RACELESS_REFERENCE_H

#include "raceless.h"

struct raceless_file;

/**
 * struct raceless_reference - a pinned reference with a number.
 * @provider: what it is on.
 * @slot: by its name.
 * @calls: calls that run through it now; the descriptor's xa_lock.
 */
struct raceless_reference {
	struct raceless_provider *provider;
	struct raceless_slot *slot;
	unsigned int calls;
};

long raceless_reference_get(struct raceless_file *file,
			    struct raceless_get *get);
long raceless_reference_put(struct raceless_file *file, u32 number);

struct raceless_reference *raceless_reference_use(struct raceless_file *file,
						  u32 number);
void raceless_reference_unuse(struct raceless_file *file,
			      struct raceless_reference *reference);
bool raceless_references_on(struct raceless_file *file,
			    struct raceless_slot *slot);
void raceless_references_close(struct raceless_file *file);

#endif /* _RACELESS_REFERENCE_H */
