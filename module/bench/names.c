// SPDX-License-Identifier: GPL-2.0
/* Many providers that do nothing, each under a name of its own. */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "bench.h"
#include "raceless.h"
#include "uapi/bench.h"

/* Room for as many as there can be, so that some can be added to those there are. */
static struct raceless_provider *providers; /* under the device's mutex */
static char (*texts)[BENCH_NAME_SIZE];
static struct raceless_provider **together; /* to unregister them with */
static unsigned int nr_names;

static u64 first_stop_ns, last_destroy_ns; /* of those removed together */

static int no_init(struct raceless_provider *provider)
{
	return 0;
}

static void note_stop(struct raceless_provider *provider)
{
	if (!first_stop_ns)
		first_stop_ns = ktime_get_ns();
}

static void note_destroy(struct raceless_provider *provider)
{
	last_destroy_ns = ktime_get_ns();
}

static const struct raceless_ops ops = {
	.init = no_init,
	.stop = note_stop,
	.destroy = note_destroy,
};

const char *names_text(unsigned int i)
{
	return texts[i];
}

/*
 * Timed: it is the unload of a batch. The memory stays.
 *
 * Return: ns from the first stop to the last destroy.
 */
u64 names_remove(void)
{
	if (!nr_names)
		return 0;
	first_stop_ns = 0;
	raceless_unregister_all(together, nr_names);
	nr_names = 0;
	return last_destroy_ns - first_stop_ns;
}

void names_exit(void)
{
	names_remove();
	kvfree(together);
	kvfree(providers);
	kvfree(texts);
}

static int names_alloc(void)
{
	if (!providers)
		providers = kvcalloc(RACELESS_BENCH_MAX_POPULATION,
				     sizeof(*providers), GFP_KERNEL);
	if (!texts)
		texts = kvcalloc(RACELESS_BENCH_MAX_POPULATION, sizeof(*texts),
				 GFP_KERNEL);
	if (!together)
		together = kvcalloc(RACELESS_BENCH_MAX_POPULATION,
				    sizeof(*together), GFP_KERNEL);
	return providers && texts && together ? 0 : -ENOMEM;
}

static int names_add(unsigned int nr)
{
	struct raceless_provider *provider;
	int err;

	while (nr_names < nr) {
		provider = &providers[nr_names];
		snprintf(texts[nr_names], BENCH_NAME_SIZE, "bench_name%u",
			 nr_names);
		provider->name = texts[nr_names];
		provider->ops = &ops;
		err = raceless_register(provider);
		if (err)
			return err;
		together[nr_names++] = provider;
		cond_resched();
	}
	return 0;
}

/*
 * Makes it so many; those that are there stay, as it takes long to make them.
 * Return: 0 or -errno, and then none is there.
 */
int names_want(unsigned int nr)
{
	int err;

	if (nr_names > nr)
		names_remove();
	err = names_alloc();
	if (!err)
		err = names_add(nr);
	if (err)
		names_remove();
	return err;
}
