/* SPDX-License-Identifier: GPL-2.0 */
/* Places among the modprobes that flights run at once, and the line for them. */
#ifndef _RACELESS_PLACES_H
#define _RACELESS_PLACES_H

#include "raceless.h"

bool raceless_place_take(struct raceless_slot *slot);
void raceless_place_give(void);
void raceless_line_leave(struct raceless_slot *slot);
void raceless_line_hurry(struct raceless_slot *slot);

#endif /* _RACELESS_PLACES_H */
