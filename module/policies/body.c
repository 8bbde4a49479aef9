// SPDX-License-Identifier: GPL-2.0
/* The resource, the same under each policy. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "policy.h"

#define ALIVE 0x616c697665ULL
#define DEAD 0x64656164ULL

static unsigned int load_us = 2000;
module_param(load_us, uint, 0644);
MODULE_PARM_DESC(load_us, "how long a load takes, in place of reading a module");

static unsigned int unload_us = 1000;
module_param(unload_us, uint, 0644);
MODULE_PARM_DESC(unload_us, "how long destroying it takes");

static void doze(u64 us)
{
	if (us)
		usleep_range(us, us + us / 4);
}

/* Takes a while. Return: NULL if there is no memory. */
struct resource_body *body_make(struct policy_counts *counts)
{
	struct resource_body *body = kzalloc(sizeof(*body), GFP_KERNEL);

	if (!body)
		return NULL;
	doze(READ_ONCE(load_us));
	body->counts = counts;
	body->state = ALIVE;
	atomic64_inc(&counts->instances);
	return body;
}

static void broken(struct resource_body *body)
{
	atomic64_inc(&body->counts->broken);
}

/* Destroys it; its memory is left. Nobody may be inside, or come in. */
void body_stop(struct resource_body *body)
{
	if (atomic_read(&body->users))
		broken(body);
	WRITE_ONCE(body->state, DEAD);
	doze(READ_ONCE(unload_us));
	if (atomic_read(&body->users))
		broken(body);
}

void body_free(struct resource_body *body)
{
	kfree(body);
}

/* Return: 0, or -EUCLEAN: it is not alive. */
int body_use(struct resource_body *body, unsigned int calls, u64 hold_ns)
{
	int err = 0;

	atomic_inc(&body->users);
	while (calls--)
		if (READ_ONCE(body->state) != ALIVE)
			err = -EUCLEAN;
	doze(div_u64(hold_ns, NSEC_PER_USEC));
	if (READ_ONCE(body->state) != ALIVE)
		err = -EUCLEAN;
	if (err)
		broken(body);
	atomic_dec(&body->users);
	return err;
}

/*
 * What get_fs_type() and its like have done since 2.4: look, request the module,
 * look once more. The request's own result says little: the one that is loaded may
 * be another's, and is there all the same.
 */
struct resource_body *get_or_load(const struct policy *policy,
				  struct resource_body *(*tryget)(void))
{
	struct resource_body *body = tryget();
	int err;

	if (body)
		return body;
	err = policy->load();
	body = tryget();
	if (body)
		return body;
	if (err && err != -EEXIST && err != -EBUSY)
		return ERR_PTR(err);
	/* it was going when we looked, or has gone again since we loaded it */
	atomic64_inc(&policy->counts->lost_races);
	return ERR_PTR(-ENODEV);
}
