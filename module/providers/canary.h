/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A provider that does nothing but know whether it is alive: each call checks that
 * its instance was initialised and that its destroy has not begun, and destroy
 * checks that no call is running.
 */
#ifndef _RACELESS_CANARY_H
#define _RACELESS_CANARY_H

#include <linux/atomic.h>
#include <linux/slab.h>

#include "raceless.h"

#define CANARY_ALIVE 0x616c697665ULL
#define CANARY_DEAD 0x64656164ULL

struct canary {
	u64 state;
	u64 instance;
};

struct canary_provider {
	struct raceless_provider provider;
	struct canary *canary; /* of the instance; NULL without one */
	atomic_t calls; /* that run now */
};

static inline struct canary_provider *
to_canary(struct raceless_provider *provider)
{
	return container_of(provider, struct canary_provider, provider);
}

static inline int canary_init(struct raceless_provider *provider)
{
	struct canary_provider *self = to_canary(provider);

	self->canary = kmalloc(sizeof(*self->canary), GFP_KERNEL);
	if (!self->canary)
		return -ENOMEM;
	self->canary->instance = provider->instance;
	self->canary->state = CANARY_ALIVE;
	atomic_set(&self->calls, 0);
	return 0;
}

static inline void canary_destroy(struct raceless_provider *provider)
{
	struct canary_provider *self = to_canary(provider);

	if (atomic_read(&self->calls))
		raceless_report_broken(provider,
				       RACELESS_PROMISE_NO_USE_AFTER_DESTROY);
	self->canary->state = CANARY_DEAD;
	kfree(self->canary);
	self->canary = NULL;
}

static inline int canary_check(struct canary_provider *self)
{
	struct canary *canary = READ_ONCE(self->canary);

	if (canary && READ_ONCE(canary->state) == CANARY_ALIVE &&
	    READ_ONCE(canary->instance) == self->provider.instance)
		return 0;
	raceless_report_broken(&self->provider,
			       RACELESS_PROMISE_NO_USE_AFTER_DESTROY);
	return -EUCLEAN;
}

static inline int canary_call(struct raceless_provider *provider,
			      struct raceless_request *request)
{
	struct canary_provider *self = to_canary(provider);
	int err;

	if (request->op != RACELESS_NULL_OP_CHECK)
		return -EOPNOTSUPP;
	atomic_inc(&self->calls);
	err = canary_check(self);
	request->out_bytes = 0;
	atomic_dec(&self->calls);
	return err;
}

static const struct raceless_ops canary_ops = {
	.init = canary_init,
	.destroy = canary_destroy,
	.call = canary_call,
};

#endif /* _RACELESS_CANARY_H */
