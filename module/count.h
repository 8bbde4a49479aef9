/* SPDX-License-Identifier: GPL-2.0 */
/* The count of an instance's references. */
#ifndef _RACELESS_COUNT_H
#define _RACELESS_COUNT_H

#include "raceless.h"

void raceless_count_arm(struct raceless_provider *provider);
void raceless_count_fold(struct raceless_provider *provider);
long raceless_count_read(struct raceless_provider *provider);

#endif /* _RACELESS_COUNT_H */
