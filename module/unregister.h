/* SPDX-License-Identifier: GPL-2.0 */
/* Unregistering providers. */
#ifndef _RACELESS_UNREGISTER_H
#define _RACELESS_UNREGISTER_H

struct module;

void raceless_unregister_owner(struct module *owner);

#endif /* _RACELESS_UNREGISTER_H */
