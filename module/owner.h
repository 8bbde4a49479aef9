/* SPDX-License-Identifier: GPL-2.0 */
/* Modules that provide: whether they are still there. */
#ifndef _RACELESS_OWNER_H
#define _RACELESS_OWNER_H

#include <linux/types.h>

int raceless_owners_init(void);
void raceless_owners_exit(void);

bool raceless_owner_busy(const char *name);
void raceless_owner_disturb(void);
bool raceless_owner_disturbed_since(u64 ns);
bool raceless_owner_failed_since(u64 ns);

#endif /* _RACELESS_OWNER_H */
