/* SPDX-License-Identifier: GPL-2.0 */
/* Who holds references through a descriptor. */
#ifndef _RACELESS_HOLDER_H
#define _RACELESS_HOLDER_H

#include "raceless.h"

struct raceless_file;

int raceless_holders_init(void);
void raceless_holders_exit(void);

void raceless_holders_add(struct raceless_file *file);
void raceless_holders_remove(struct raceless_file *file);
void raceless_holders_log(struct raceless_provider *provider);

#endif /* _RACELESS_HOLDER_H */
