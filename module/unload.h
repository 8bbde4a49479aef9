/* SPDX-License-Identifier: GPL-2.0 */
/* Unloads by name, as a descriptor asks for them. */
#ifndef _RACELESS_UNLOAD_H
#define _RACELESS_UNLOAD_H

#include "uapi/raceless.h"

struct raceless_file;

long raceless_unload(struct raceless_file *file,
		     struct raceless_unload *unload);
long raceless_unload_many(struct raceless_file *file,
			  struct raceless_unload_many *many);

#endif /* _RACELESS_UNLOAD_H */
