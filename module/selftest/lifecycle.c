// SPDX-License-Identifier: GPL-2.0
/* From init to destroy: what happens in which order, and what is visible. */
#include <linux/err.h>

#include "selftest.h"

static struct subject subject;
static struct actor unloader, loader, getter;

static const char *once_each(void)
{
	struct raceless_provider *provider;
	struct raceless_slot *slot;

	subject_prepare(&subject, "selftest_once_each");
	slot = raceless_slot_get("selftest_once_each");
	EXPECT(!IS_ERR(slot));
	EXPECT(!raceless_tryget(slot));
	EXPECT(!raceless_register(&subject.provider));
	EXPECT(subject.provider.slot == slot);
	EXPECT(subject.inits == 1 && !subject.stops && !subject.destroys);
	provider = raceless_tryget(slot);
	EXPECT(provider == &subject.provider);
	raceless_put(provider);
	raceless_unregister(&subject.provider);
	EXPECT(subject.inits == 1 && subject.stops == 1);
	EXPECT(subject.destroys == 1);
	EXPECT(!raceless_tryget(slot));
	raceless_slot_put(slot);
	return NULL;
}

static const char *by_name(void)
{
	static const char *const strangers[] = {
		"",
		"selftest_by_nam",
		"selftest_by_name_",
		"Selftest_by_name",
		"selftest_a_name_that_is_much_too_long_to_be_one_of_ours",
	};
	int i;

	EXPECT(!raceless_tryget_name("selftest_by_name"));
	subject_prepare(&subject, "selftest_by_name");
	EXPECT(!raceless_register(&subject.provider));
	EXPECT(raceless_tryget_name("selftest_by_name") == &subject.provider);
	for (i = 0; i < ARRAY_SIZE(strangers); i++)
		EXPECT(!raceless_tryget_name(strangers[i]));
	unloader.subject = &subject;
	EXPECT(actor_start(&unloader, act_unregister));
	EXPECT(news_state(RACELESS_DRAINING));
	EXPECT(!raceless_tryget_name("selftest_by_name"));
	raceless_put(&subject.provider);
	EXPECT(actor_done(&unloader));
	EXPECT(!raceless_tryget_name("selftest_by_name"));
	return NULL;
}

static const char *unpublished_in_init(void)
{
	struct raceless_slot *slot;

	subject_prepare(&subject, "selftest_in_init");
	slot = raceless_slot_get("selftest_in_init");
	EXPECT(!IS_ERR(slot));
	gate_close(&subject.init);
	loader.subject = &subject;
	EXPECT(actor_start(&loader, act_register));
	EXPECT(gate_reached(&subject.init));
	EXPECT(!raceless_tryget(slot));
	getter = (struct actor){ .slot = slot, .timeout = PATIENCE };
	EXPECT(actor_start(&getter, act_get));
	EXPECT(news_joined(1));
	EXPECT(!slot->flights); /* the load under way serves it */
	gate_open(&subject.init);
	EXPECT(actor_done(&getter) && !getter.result);
	EXPECT(getter.provider == &subject.provider);
	raceless_put(getter.provider);
	EXPECT(actor_done(&loader) && !loader.result);
	raceless_unregister(&subject.provider);
	raceless_slot_put(slot);
	return NULL;
}

static const char *init_fails(void)
{
	struct raceless_slot *slot;

	subject_prepare(&subject, "selftest_init_fails");
	slot = raceless_slot_get("selftest_init_fails");
	EXPECT(!IS_ERR(slot));
	subject.init_error = -ENXIO;
	gate_close(&subject.init);
	loader.subject = &subject;
	EXPECT(actor_start(&loader, act_register));
	EXPECT(gate_reached(&subject.init));
	getter = (struct actor){ .slot = slot, .timeout = PATIENCE };
	EXPECT(actor_start(&getter, act_get));
	EXPECT(news_joined(1));
	gate_open(&subject.init);
	EXPECT(actor_done(&loader) && loader.result == -ENXIO);
	EXPECT(actor_done(&getter) && getter.result == -ENXIO);
	EXPECT(!raceless_tryget(slot));
	EXPECT(!subject.stops && !subject.destroys);
	subject.init_error = 0;
	EXPECT(!raceless_register(&subject.provider));
	raceless_unregister(&subject.provider);
	raceless_slot_put(slot);
	return NULL;
}

static const char *reference_delays_destroy(void)
{
	struct raceless_provider *first, *second;

	subject_prepare(&subject, "selftest_drain");
	EXPECT(!raceless_register(&subject.provider));
	first = raceless_tryget(subject.provider.slot);
	second = raceless_tryget(subject.provider.slot);
	EXPECT(first && second);
	unloader.subject = &subject;
	EXPECT(actor_start(&unloader, act_unregister));
	EXPECT(news_state(RACELESS_DRAINING));
	EXPECT(!raceless_tryget(subject.provider.slot));
	raceless_put(first);
	EXPECT(!subject.destroys && actor_running(&unloader));
	raceless_put(second);
	EXPECT(actor_done(&unloader));
	EXPECT(subject.destroys == 1);
	return NULL;
}

/* One grace period for an unload, whatever else it waits for. */
static const char *one_grace_period(void)
{
	subject_prepare(&subject, "selftest_one_grace");
	EXPECT(!raceless_register(&subject.provider));
	EXPECT(subject_block(&subject, AT_DRAIN));
	unloader.subject = &subject;
	EXPECT(actor_start(&unloader, act_unregister));
	EXPECT(subject_stands(&subject, AT_DRAIN));
	EXPECT(news_grace_periods() == 1);
	subject_proceed(&subject, AT_DRAIN);
	EXPECT(actor_done(&unloader));
	EXPECT(news_grace_periods() == 1);
	return NULL;
}

/* A provider on a provider: the one below goes last. */
static const char *provider_on_provider(void)
{
	struct raceless_provider *held;

	subject_prepare(&subject, "selftest_below");
	EXPECT(!raceless_register(&subject.provider));
	held = raceless_get_pinned(subject.provider.slot, PATIENCE);
	EXPECT(held == &subject.provider);
	EXPECT(module_refcount(THIS_MODULE) > 0);
	unloader.subject = &subject;
	EXPECT(actor_start(&unloader, act_unregister));
	EXPECT(news_state(RACELESS_DRAINING));
	EXPECT(!subject.destroys);
	raceless_put_pinned(held);
	EXPECT(actor_done(&unloader));
	EXPECT(subject.destroys == 1);
	return NULL;
}

static const char *park_keeps_the_name(void)
{
	struct raceless_provider *provider;
	struct raceless_slot *slot;

	subject_prepare(&subject, "selftest_park");
	EXPECT(!raceless_register(&subject.provider));
	slot = subject.provider.slot;
	EXPECT(!raceless_park(&subject.provider));
	EXPECT(subject.stops == 1 && subject.destroys == 1);
	EXPECT(!raceless_tryget(slot));
	EXPECT(raceless_park(&subject.provider) == -ENOENT);
	provider = raceless_get(slot, PATIENCE);
	EXPECT(provider == &subject.provider);
	EXPECT(subject.inits == 2 && !slot->modprobes);
	raceless_put(provider);
	raceless_unregister(&subject.provider);
	EXPECT(subject.stops == 2 && subject.destroys == 2);
	return NULL;
}

const struct test lifecycle_tests[] = {
	{ "init_stop_destroy_once_each", once_each },
	{ "reference_by_name", by_name },
	{ "nothing_is_visible_in_init", unpublished_in_init },
	{ "init_that_fails_tells_everyone", init_fails },
	{ "reference_delays_destroy", reference_delays_destroy },
	{ "unload_waits_for_one_grace_period", one_grace_period },
	{ "provider_on_provider", provider_on_provider },
	{ "park_keeps_the_name", park_keeps_the_name },
	{},
};
