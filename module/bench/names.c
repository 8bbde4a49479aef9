// SPDX-License-Identifier: GPL-2.0
/* Many providers that do nothing, each under a name of its own. */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "bench.h"
#include "raceless.h"

struct named {
	struct raceless_provider provider;
	char name[RACELESS_NAME_SIZE];
};

static struct named *names; /* under the device's mutex */
static unsigned int nr_names;

static int no_init(struct raceless_provider *provider)
{
	return 0;
}

static const struct raceless_ops ops = { .init = no_init };

struct raceless_provider *names_provider(unsigned int i)
{
	return &names[i].provider;
}

unsigned int names_count(void)
{
	return nr_names;
}

void names_remove(void)
{
	while (nr_names) {
		raceless_unregister(&names[--nr_names].provider);
		cond_resched();
	}
	kvfree(names);
	names = NULL;
}

/* Return: 0 or -errno, and then none is there. */
int names_add(const char *prefix, unsigned int nr)
{
	struct named *named;
	int err;

	names = kvcalloc(nr, sizeof(*names), GFP_KERNEL);
	if (!names)
		return -ENOMEM;
	while (nr_names < nr) {
		named = &names[nr_names];
		snprintf(named->name, sizeof(named->name), "%s%u", prefix,
			 nr_names);
		named->provider.name = named->name;
		named->provider.ops = &ops;
		err = raceless_register(&named->provider);
		if (err) {
			names_remove();
			return err;
		}
		nr_names++;
		cond_resched();
	}
	return 0;
}
