// SPDX-License-Identifier: GPL-2.0
/* Providers that were replaced and are still registered, when their successors go. */
#include <linux/err.h>

#include "selftest.h"

static struct subject old, new, newest;
static struct actor getter;
static struct raceless_slot *slot;

/* Three for one name, of which the first has it. */
static const char *begin(const char *name)
{
	news_expect(name);
	subject_prepare(&old, name);
	subject_prepare(&new, name);
	subject_prepare(&newest, name);
	new.provider.replace = true;
	newest.provider.replace = true;
	slot = raceless_slot_get(name);
	EXPECT(!IS_ERR(slot));
	EXPECT(!raceless_register(&old.provider));
	return NULL;
}

/*
 * Who waits for the name while the predecessor goes is not forgotten: a flight finds
 * no module to load, and the predecessor, whose module is there, has it again.
 */
static const char *in_its_drain(void)
{
	const char *complaint = begin("selftest_after");

	if (complaint)
		return complaint;
	EXPECT(subject_block(&old, AT_DRAIN));
	EXPECT(!raceless_register(&new.provider));
	EXPECT(subject_stands(&old, AT_DRAIN));
	raceless_unregister(&new.provider);
	getter = (struct actor){ .slot = slot, .timeout = PATIENCE };
	EXPECT(actor_start(&getter, act_get) && news_joined(1));
	EXPECT(actor_running(&getter) && !slot->flights);
	subject_proceed(&old, AT_DRAIN);
	EXPECT(actor_done(&getter) && !getter.result);
	EXPECT(getter.provider == &old.provider && old.inits == 2);
	EXPECT(slot->flights == 1);
	raceless_put(getter.provider);
	raceless_unregister(&old.provider);
	EXPECT(old.destroys == 2);
	raceless_slot_put(slot);
	return NULL;
}

/* Of several, the latest that is still registered. */
static const char *latest_of_several(void)
{
	const char *complaint = begin("selftest_elders");
	struct raceless_provider *provider;

	if (complaint)
		return complaint;
	EXPECT(!raceless_register(&new.provider));
	EXPECT(!raceless_register(&newest.provider));
	raceless_unregister(&newest.provider);
	provider = raceless_get(slot, PATIENCE);
	EXPECT(provider == &new.provider && new.inits == 2);
	raceless_put(provider);
	raceless_unregister(&new.provider);
	/* one whose init fails is in nobody's way, as before */
	old.init_error = -EIO;
	EXPECT(raceless_get(slot, PATIENCE) == ERR_PTR(-EIO));
	old.init_error = 0;
	newest.provider.replace = false;
	EXPECT(!raceless_register(&newest.provider));
	raceless_unregister(&newest.provider);
	provider = raceless_get(slot, PATIENCE);
	EXPECT(provider == &old.provider && old.inits == 3);
	raceless_put(provider);
	raceless_unregister(&old.provider);
	EXPECT(raceless_get(slot, PATIENCE) == ERR_PTR(-ENOENT));
	raceless_slot_put(slot);
	return NULL;
}

/* One that has unregistered meanwhile is not called again. */
static const char *gone_in_between(void)
{
	const char *complaint = begin("selftest_bygone");
	struct raceless_provider *provider;

	if (complaint)
		return complaint;
	EXPECT(!raceless_register(&new.provider));
	EXPECT(!raceless_register(&newest.provider));
	raceless_unregister(&new.provider);
	raceless_unregister(&newest.provider);
	provider = raceless_get(slot, PATIENCE);
	EXPECT(provider == &old.provider && old.inits == 2 && new.inits == 1);
	raceless_put(provider);
	raceless_unregister(&old.provider);
	raceless_slot_put(slot);
	return NULL;
}

/* It is in nobody's way. */
static const char *vacant_for_others(void)
{
	const char *complaint = begin("selftest_vacant");
	struct raceless_provider *provider;

	if (complaint)
		return complaint;
	EXPECT(!raceless_register(&new.provider));
	raceless_unregister(&new.provider);
	newest.provider.replace = false;
	EXPECT(!raceless_register(&newest.provider));
	provider = raceless_tryget(slot);
	EXPECT(provider == &newest.provider && old.inits == 1);
	raceless_put(provider);
	raceless_unregister(&newest.provider);
	raceless_unregister(&old.provider);
	raceless_slot_put(slot);
	return NULL;
}

const struct test superseded_tests[] = {
	{ "superseded_in_its_drain", in_its_drain },
	{ "superseded_latest_of_several", latest_of_several },
	{ "superseded_gone_in_between", gone_in_between },
	{ "superseded_in_nobodys_way", vacant_for_others },
	{},
};
