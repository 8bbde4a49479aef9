// SPDX-License-Identifier: GPL-2.0
/* What an unload waits for, and what others wait for in its place. */
#include <linux/completion.h>
#include <linux/ktime.h>
#include <linux/percpu-refcount.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "bench.h"
#include "raceless.h"

static int unregister_prepare(unsigned int batch)
{
	names_remove();
	return names_want(batch);
}

static u64 unregister_wait(unsigned int batch)
{
	u64 began_ns = ktime_get_ns();

	names_remove();
	return ktime_get_ns() - began_ns;
}

static u64 destroyed_wait(unsigned int batch)
{
	return names_remove();
}

static int no_init(struct raceless_provider *provider)
{
	return 0;
}

static const struct raceless_ops ops = { .init = no_init };

/* Whole lives, each with its provider's memory: what the factory does. */
static u64 lifecycle_wait(unsigned int batch)
{
	u64 began_ns = ktime_get_ns();

	while (batch--) {
		struct raceless_provider *provider =
			kzalloc(sizeof(*provider), GFP_KERNEL);

		if (!provider)
			return 0;
		provider->name = "bench_lifecycle";
		provider->ops = &ops;
		if (raceless_register(provider)) {
			kfree(provider);
			return 0;
		}
		raceless_unregister(provider);
		kfree(provider);
	}
	return ktime_get_ns() - began_ns;
}

static u64 normal_wait(unsigned int batch)
{
	u64 began_ns = ktime_get_ns();

	while (batch--)
		synchronize_rcu();
	return ktime_get_ns() - began_ns;
}

static u64 expedited_wait(unsigned int batch)
{
	u64 began_ns = ktime_get_ns();

	while (batch--)
		synchronize_rcu_expedited();
	return ktime_get_ns() - began_ns;
}

static struct percpu_ref ref;
static DECLARE_COMPLETION(released);

static void on_release(struct percpu_ref *ref)
{
	complete(&released);
}

static int kill_prepare(unsigned int batch)
{
	reinit_completion(&released);
	return percpu_ref_init(&ref, on_release, 0, GFP_KERNEL);
}

static u64 kill_wait(unsigned int batch)
{
	u64 began_ns = ktime_get_ns();

	percpu_ref_kill(&ref);
	wait_for_completion(&released);
	return ktime_get_ns() - began_ns;
}

static void kill_finish(unsigned int batch)
{
	percpu_ref_exit(&ref);
}

const struct slow slow_waits[] = {
	{ "raceless_unregister", unregister_prepare, unregister_wait, NULL },
	{ "raceless_destroyed", unregister_prepare, destroyed_wait, NULL },
	{ "raceless_lifecycle", NULL, lifecycle_wait, NULL },
	{ "synchronize_rcu", NULL, normal_wait, NULL },
	{ "synchronize_rcu_expedited", NULL, expedited_wait, NULL },
	{ "percpu_ref_kill", kill_prepare, kill_wait, kill_finish },
	{},
};
