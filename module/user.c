// SPDX-License-Identifier: GPL-2.0
/*
 * Users: how much each may have at once, over all of its descriptors.
 *
 * A charge is one reference, wait or hold. Each slot that user space brings into
 * being belongs to one of these, so that slots are bounded by the same number.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/slab.h>

#include "uapi/raceless.h"
#include "user.h"

struct raceless_user {
	struct list_head node; /* users; users_mutex */
	refcount_t descriptors;
	kuid_t uid;
	atomic_t charges;
};

static LIST_HEAD(users); /* those who have a descriptor open: few */
static DEFINE_MUTEX(users_mutex);

static struct raceless_user *find(kuid_t uid)
{
	struct raceless_user *user;

	list_for_each_entry(user, &users, node)
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

/* The current user's. Process context. Return: it, or ERR_PTR(-ENOMEM). */
struct raceless_user *raceless_user_get(void)
{
	struct raceless_user *user;

	mutex_lock(&users_mutex);
	user = find(current_uid());
	if (user) {
		refcount_inc(&user->descriptors);
		goto out;
	}
	user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);
	if (!user) {
		user = ERR_PTR(-ENOMEM);
		goto out;
	}
	refcount_set(&user->descriptors, 1);
	user->uid = current_uid();
	list_add(&user->node, &users);
out:
	mutex_unlock(&users_mutex);
	return user;
}

void raceless_user_put(struct raceless_user *user)
{
	if (!refcount_dec_and_mutex_lock(&user->descriptors, &users_mutex))
		return;
	list_del(&user->node);
	mutex_unlock(&users_mutex);
	kfree(user);
}

/* Return: 0 or -EDQUOT. */
int raceless_user_charge(struct raceless_user *user)
{
	return atomic_add_unless(&user->charges, 1,
				 RACELESS_MAX_REFS_PER_USER) ?
		       0 :
		       -EDQUOT;
}

void raceless_user_uncharge(struct raceless_user *user)
{
	atomic_dec(&user->charges);
}
