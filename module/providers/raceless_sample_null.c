// SPDX-License-Identifier: GPL-2.0
/*
 * null: the smallest provider, and a canary. It does nothing but know whether it
 * is alive: each call checks that its instance was initialised and that its
 * destroy has not begun, and destroy checks that no call is running.
 *
 * There are two versions of it, as modules of two names, so that the one can
 * replace the other, side by side or through unload and load: see
 * raceless_sample_null_next.c. A call says which one answers.
 */
#include <linux/atomic.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "raceless.h"

#ifndef VERSION
#define VERSION 1
#endif

#define ALIVE 0x616c697665ULL
#define DEAD 0x64656164ULL

static int fail;
module_param(fail, int, 0644);
MODULE_PARM_DESC(fail, "init fails with this errno");

struct canary {
	u64 state;
	u64 instance;
};

struct null_provider {
	struct raceless_provider provider;
	struct canary *canary;
	atomic_t calls; /* that run now */
};

static struct null_provider *to_null(struct raceless_provider *provider)
{
	return container_of(provider, struct null_provider, provider);
}

static int null_init(struct raceless_provider *provider)
{
	struct null_provider *null = to_null(provider);

	if (fail)
		return -fail;
	null->canary = kmalloc(sizeof(*null->canary), GFP_KERNEL);
	if (!null->canary)
		return -ENOMEM;
	null->canary->instance = provider->instance;
	null->canary->state = ALIVE;
	atomic_set(&null->calls, 0);
	return 0;
}

static void null_destroy(struct raceless_provider *provider)
{
	struct null_provider *null = to_null(provider);

	if (atomic_read(&null->calls))
		raceless_report_broken(provider,
				       RACELESS_PROMISE_NO_USE_AFTER_DESTROY);
	null->canary->state = DEAD;
	kfree(null->canary);
	null->canary = NULL;
}

static int check(struct null_provider *null)
{
	struct canary *canary = READ_ONCE(null->canary);

	if (canary && READ_ONCE(canary->state) == ALIVE &&
	    READ_ONCE(canary->instance) == null->provider.instance)
		return 0;
	raceless_report_broken(&null->provider,
			       RACELESS_PROMISE_NO_USE_AFTER_DESTROY);
	return -EUCLEAN;
}

static int null_call(struct raceless_provider *provider,
		     struct raceless_request *request)
{
	struct null_provider *null = to_null(provider);
	u32 version = VERSION;
	int err;

	if (request->op != RACELESS_NULL_OP_CHECK &&
	    request->op != RACELESS_NULL_OP_VERSION)
		return -EOPNOTSUPP;
	if (request->op == RACELESS_NULL_OP_VERSION &&
	    request->out_bytes < sizeof(version))
		return -ENOSPC;
	atomic_inc(&null->calls);
	err = check(null);
	if (request->op == RACELESS_NULL_OP_VERSION) {
		memcpy(request->out, &version, sizeof(version));
		request->out_bytes = sizeof(version);
	} else {
		request->out_bytes = 0;
	}
	atomic_dec(&null->calls);
	return err;
}

static const struct raceless_ops null_ops = {
	.init = null_init,
	.destroy = null_destroy,
	.call = null_call,
};

static struct null_provider null = {
	.provider = { .name = "null", .ops = &null_ops },
};

RACELESS_PARAM_REPLACE(null.provider);

static int __init null_module_init(void)
{
	return raceless_register(&null.provider);
}

static void __exit null_module_exit(void)
{
	raceless_unregister(&null.provider);
}

module_init(null_module_init);
module_exit(null_module_exit);
#if VERSION == 1
MODULE_ALIAS_RACELESS("null");
#endif
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("raceless provider: a canary");
