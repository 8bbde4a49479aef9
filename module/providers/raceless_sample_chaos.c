// SPDX-License-Identifier: GPL-2.0
/*
 * chaos: a provider that behaves badly on request. Its parameters can be changed
 * while it runs; fail_every counts over the life of the module.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/module.h>

#include "raceless.h"

static uint fail_every;
module_param(fail_every, uint, 0644);
MODULE_PARM_DESC(fail_every, "every Nth init fails with EIO; 0: none");

static uint init_ms;
module_param(init_ms, uint, 0644);
MODULE_PARM_DESC(init_ms, "how long init sleeps");

static uint stop_ms;
module_param(stop_ms, uint, 0644);
MODULE_PARM_DESC(stop_ms, "how long stop sleeps");

static uint destroy_ms;
module_param(destroy_ms, uint, 0644);
MODULE_PARM_DESC(destroy_ms, "how long destroy sleeps");

static uint call_ms;
module_param(call_ms, uint, 0644);
MODULE_PARM_DESC(call_ms, "how long each call sleeps, under its reference");

static bool ask_self;
module_param(ask_self, bool, 0644);
MODULE_PARM_DESC(ask_self,
		 "init asks for its own name, and fails unless told EDEADLK");

static char *holds;
module_param(holds, charp, 0444);
MODULE_PARM_DESC(holds, "a provider on which each instance holds a reference");

static uint inits; /* one at a time: the registry sees to it */
static struct raceless_slot *held_slot;
static struct raceless_provider *held;

static int ask_for_self(const char *name)
{
	struct raceless_slot *slot = raceless_slot_get(name);
	struct raceless_provider *provider;
	long err;

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	provider = raceless_get(slot, 10 * HZ);
	err = PTR_ERR_OR_ZERO(provider);
	if (!err)
		raceless_put(provider);
	raceless_slot_put(slot);
	return err == -EDEADLK ? 0 : err ?: -EPROTO;
}

static int hold(void)
{
	held_slot = raceless_slot_get(holds);
	if (IS_ERR(held_slot))
		return PTR_ERR(held_slot);
	held = raceless_get_pinned(held_slot, 30 * HZ);
	if (!IS_ERR(held))
		return 0;
	raceless_slot_put(held_slot);
	return PTR_ERR(held);
}

static int chaos_init(struct raceless_provider *provider)
{
	uint every = READ_ONCE(fail_every);
	int err = 0;

	if (init_ms)
		msleep(init_ms);
	if (every && ++inits % every == 0)
		return -EIO;
	if (ask_self)
		err = ask_for_self(provider->name);
	if (!err && holds)
		err = hold();
	return err;
}

static void chaos_stop(struct raceless_provider *provider)
{
	if (stop_ms)
		msleep(stop_ms);
}

static void chaos_destroy(struct raceless_provider *provider)
{
	if (destroy_ms)
		msleep(destroy_ms);
	if (!holds)
		return;
	raceless_put_pinned(held);
	raceless_slot_put(held_slot);
}

static int chaos_call(struct raceless_provider *provider,
		      struct raceless_request *request)
{
	if (call_ms)
		msleep(call_ms);
	request->out_bytes = 0;
	return 0;
}

static const struct raceless_ops chaos_ops = {
	.init = chaos_init,
	.stop = chaos_stop,
	.destroy = chaos_destroy,
	.call = chaos_call,
};

static struct raceless_provider chaos = {
	.name = "chaos",
	.ops = &chaos_ops,
};

static int __init chaos_module_init(void)
{
	return raceless_register(&chaos);
}

static void __exit chaos_module_exit(void)
{
	raceless_unregister(&chaos);
}

module_init(chaos_module_init);
module_exit(chaos_module_exit);
MODULE_ALIAS_RACELESS("chaos");
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("raceless provider: fails, sleeps and holds on request");
