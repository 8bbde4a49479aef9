/* SPDX-License-Identifier: GPL-2.0 */
/* Users: how much each may have at once, over all of its descriptors. */
#ifndef _RACELESS_USER_H
#define _RACELESS_USER_H

struct raceless_user;

struct raceless_user *raceless_user_get(void);
void raceless_user_put(struct raceless_user *user);
int raceless_user_charge(struct raceless_user *user);
void raceless_user_uncharge(struct raceless_user *user);

#endif /* _RACELESS_USER_H */
