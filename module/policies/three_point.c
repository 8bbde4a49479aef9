// SPDX-License-Identifier: GPL-2.0
/*
 * three-point: as Jamie Lokier answered: init, stop, destroy, no way back, and who
 * asks meanwhile waits for the next one. The registry itself: this parks a provider
 * and asks for it.
 */
#include <linux/err.h>

#include "policy.h"
#include "raceless.h"
#include "uapi/policies.h"

static struct policy_counts counts;

static struct raceless_slot *slot;
static struct resource_body *made; /* by the instance */

static int provider_init(struct raceless_provider *provider)
{
	made = body_make(&counts);
	return made ? 0 : -ENOMEM;
}

static void provider_destroy(struct raceless_provider *provider)
{
	body_stop(made);
	body_free(made);
}

static const struct raceless_ops ops = {
	.init = provider_init,
	.destroy = provider_destroy,
};

static struct raceless_provider provider = {
	.name = RACELESS_POLICY_PROVIDER,
	.ops = &ops,
};

static int three_point_init(void)
{
	int err;

	slot = raceless_slot_get(provider.name);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	err = raceless_register(&provider);
	if (err)
		raceless_slot_put(slot);
	return err;
}

static void three_point_exit(void)
{
	raceless_unregister(&provider);
	raceless_slot_put(slot);
}

/* A reference is one on the provider, whose body stays as long. */
static struct resource_body *get(void)
{
	struct raceless_provider *found = raceless_get(slot, POLICY_TIMEOUT);

	return IS_ERR(found) ? ERR_CAST(found) : made;
}

static void put(struct resource_body *body)
{
	raceless_put(&provider);
}

/* Nobody has to load it; a loader is one more who asks. */
static int load(void)
{
	struct raceless_provider *found = raceless_tryget(slot);
	int err = found ? -EEXIST : 0;

	if (!found)
		found = raceless_get(slot, POLICY_TIMEOUT);
	if (IS_ERR(found))
		return PTR_ERR(found);
	raceless_put(found);
	return err;
}

/* No use refuses it: what is busy is a load or another unload. */
static int unload(void)
{
	int err = raceless_park(&provider);

	return err == -EBUSY ? -ENOENT : err;
}

const struct policy three_point_policy = {
	.name = "three-point",
	.counts = &counts,
	.init = three_point_init,
	.exit = three_point_exit,
	.load = load,
	.unload = unload,
	.get = get,
	.put = put,
};
