// SPDX-License-Identifier: GPL-2.0
/*
 * probe: a module for tests only, which does on request what no good module
 * does: fail its init before or after it registered, go without unregistering,
 * ask for another name in init, register very many names, take long to go.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/module.h>

#include "raceless.h"

#define MAX_NAMES 512

static uint nr = 1;
module_param(nr, uint, 0444);
MODULE_PARM_DESC(nr, "how many names to register: probe0, probe1, ...");

static int fail_before;
module_param(fail_before, int, 0444);
MODULE_PARM_DESC(fail_before, "the module's init fails with this errno before it registers");

static int fail_after;
module_param(fail_after, int, 0444);
MODULE_PARM_DESC(fail_after, "the module's init fails with this errno after it registered");

static bool leave;
module_param(leave, bool, 0444);
MODULE_PARM_DESC(leave, "the module's exit leaves its providers registered");

static char *asks;
module_param(asks, charp, 0444);
MODULE_PARM_DESC(asks, "a name that each init gets and puts; it fails if that does");

static uint exit_ms;
module_param(exit_ms, uint, 0444);
MODULE_PARM_DESC(exit_ms, "how long the module's exit sleeps after it unregistered");

struct probe {
	struct raceless_provider provider;
	char name[RACELESS_NAME_SIZE];
};

/* static: what is left registered outlives a module init that failed */
static struct probe probes[MAX_NAMES];
static struct raceless_provider *providers[MAX_NAMES];

static int probe_init(struct raceless_provider *provider)
{
	struct raceless_provider *other;
	struct raceless_slot *slot;

	if (!asks)
		return 0;
	slot = raceless_slot_get(asks);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	other = raceless_get(slot, 10 * HZ);
	if (!IS_ERR(other))
		raceless_put(other);
	raceless_slot_put(slot);
	return PTR_ERR_OR_ZERO(other);
}

static const struct raceless_ops probe_ops = { .init = probe_init };

static int __init probe_module_init(void)
{
	struct probe *probe;
	uint i;
	int err;

	if (fail_before)
		return -fail_before;
	if (nr > MAX_NAMES)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		probe = &probes[i];
		snprintf(probe->name, sizeof(probe->name), "probe%u", i);
		probe->provider.name = probe->name;
		probe->provider.ops = &probe_ops;
		err = raceless_register(&probe->provider);
		if (err) {
			raceless_unregister_all(providers, i);
			return err;
		}
		providers[i] = &probe->provider;
	}
	return -fail_after;
}

static void __exit probe_module_exit(void)
{
	if (!leave)
		raceless_unregister_all(providers, nr);
	if (exit_ms)
		msleep(exit_ms);
}

module_init(probe_module_init);
module_exit(probe_module_exit);
MODULE_ALIAS_RACELESS("probe0");
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("raceless provider: breaks the rules for tests");
