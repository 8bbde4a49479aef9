// SPDX-License-Identifier: GPL-2.0
/* Mechanisms that count references on an object at hand. */
#include <linux/module.h>
#include <linux/percpu-refcount.h>
#include <linux/refcount.h>
#include <linux/srcu.h>

#include "bench.h"
#include "raceless.h"

/* What the mechanisms protect: nothing. */
static int no_init(struct raceless_provider *provider)
{
	return 0;
}

static const struct raceless_ops ops = { .init = no_init };

static struct raceless_provider provider = {
	.name = "bench_handle",
	.ops = &ops,
};

static struct raceless_slot *slot;

static int handle_start(unsigned int population)
{
	int err = raceless_register(&provider);

	if (err)
		return err;
	slot = provider.slot; /* stays while it is registered */
	return 0;
}

static void handle_stop(void)
{
	raceless_unregister(&provider);
}

static noinline unsigned long handle_pairs(unsigned long loops)
{
	struct raceless_provider *taken;
	unsigned long failed = 0;

	while (loops--) {
		taken = raceless_tryget(slot);
		if (likely(taken))
			raceless_put(taken);
		else
			failed++;
	}
	return failed;
}

/* THIS_MODULE is in use while it runs: the count of a module never rests. */
static noinline unsigned long module_pairs(unsigned long loops)
{
	unsigned long failed = 0;

	while (loops--) {
		if (likely(try_module_get(THIS_MODULE)))
			module_put(THIS_MODULE);
		else
			failed++;
	}
	return failed;
}

static struct percpu_ref ref;
static DECLARE_COMPLETION(released);

static void on_release(struct percpu_ref *ref)
{
	complete(&released);
}

static int percpu_ref_start(unsigned int population)
{
	reinit_completion(&released);
	return percpu_ref_init(&ref, on_release, 0, GFP_KERNEL);
}

static void percpu_ref_stop(void)
{
	percpu_ref_kill(&ref);
	wait_for_completion(&released);
	percpu_ref_exit(&ref);
}

static noinline unsigned long percpu_ref_pairs(unsigned long loops)
{
	unsigned long failed = 0;

	while (loops--) {
		if (likely(percpu_ref_tryget_live(&ref)))
			percpu_ref_put(&ref);
		else
			failed++;
	}
	return failed;
}

static refcount_t refcount = REFCOUNT_INIT(1);

static noinline unsigned long refcount_pairs(unsigned long loops)
{
	unsigned long failed = 0;

	while (loops--) {
		if (unlikely(!refcount_inc_not_zero(&refcount)))
			failed++;
		else if (unlikely(refcount_dec_and_test(&refcount)))
			failed++;
	}
	return failed;
}

DEFINE_STATIC_SRCU(srcu);

static noinline unsigned long srcu_pairs(unsigned long loops)
{
	while (loops--)
		srcu_read_unlock(&srcu, srcu_read_lock(&srcu));
	return 0;
}

static noinline unsigned long rcu_pairs(unsigned long loops)
{
	while (loops--) {
		rcu_read_lock();
		barrier();
		rcu_read_unlock();
	}
	return 0;
}

static DEFINE_PER_CPU(long, counter);

/* The limit: a count that nobody could ever wait for. */
static noinline unsigned long this_cpu_pairs(unsigned long loops)
{
	while (loops--) {
		this_cpu_inc(counter);
		barrier();
		this_cpu_dec(counter);
	}
	return 0;
}

const struct mechanism count_mechanisms[] = {
	{ "raceless", handle_start, handle_stop, handle_pairs },
	{ "try_module_get", NULL, NULL, module_pairs },
	{ "percpu_ref", percpu_ref_start, percpu_ref_stop, percpu_ref_pairs },
	{ "refcount_t", NULL, NULL, refcount_pairs },
	{ "srcu", NULL, NULL, srcu_pairs },
	{ "rcu_read_lock", NULL, NULL, rcu_pairs },
	{ "this_cpu", NULL, NULL, this_cpu_pairs },
	{},
};
