/* SPDX-License-Identifier: GPL-2.0 */
/* Calls from user space into a provider. */
#ifndef _RACELESS_CALL_H
#define _RACELESS_CALL_H

struct raceless_call;
struct raceless_file;

long raceless_call(struct raceless_file *file, struct raceless_call *call);

#endif /* _RACELESS_CALL_H */
