// SPDX-License-Identifier: GPL-2.0
/* Unregistering many together: one grace period, and nobody waits for another. */
#include <linux/err.h>

#include "selftest.h"

#define CROWD 64

static struct subject crowd[CROWD], heir;
static char names[CROWD][RACELESS_NAME_SIZE];
static struct raceless_provider *providers[CROWD];
static struct actor unloader, getter, leaver, loader;
static struct raceless_provider *held;
static long got;

/* The last one's name is @name and the last number: that is whose news is told. */
static bool register_all(const char *name, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		snprintf(names[i], sizeof(names[i]), "%s%u", name, i);
		subject_prepare(&crowd[i], names[i]);
		providers[i] = &crowd[i].provider;
		if (raceless_register(providers[i]))
			return false;
	}
	return true;
}

static bool destroyed_once_each(unsigned int from, unsigned int to)
{
	unsigned int i;

	for (i = from; i < to; i++)
		if (crowd[i].stops != 1 || crowd[i].destroys != 1 ||
		    crowd[i].provider.slot)
			return false;
	return true;
}

static bool start_unregister_all(unsigned int nr)
{
	unloader = (struct actor){ .providers = providers, .nr = nr };
	return actor_start(&unloader, act_unregister_all);
}

static const char *one_grace_period(void)
{
	unsigned int i;

	EXPECT(register_all("selftest_together", CROWD));
	raceless_unregister_all(providers, CROWD);
	EXPECT(news_grace_periods() == 1);
	EXPECT(news_grace_instances() == CROWD);
	EXPECT(destroyed_once_each(0, CROWD));
	for (i = 1; i < CROWD; i++)
		EXPECT(crowd[i].destroyed_order > crowd[i - 1].destroyed_order);
	return NULL;
}

/* Waits until an instance whose turn it is to be vacated has been. */
static bool vacant(struct subject *subject)
{
	unsigned long deadline = jiffies + PATIENCE;

	while (READ_ONCE(subject->provider.slot)) {
		if (time_after(jiffies, deadline))
			return false;
		cond_resched();
	}
	return true;
}

/* The first is held on to: the rest goes, and somebody else may have the names. */
static const char *held_member(void)
{
	EXPECT(register_all("selftest_one_held", 8));
	held = raceless_tryget(crowd[0].provider.slot);
	EXPECT(held);
	EXPECT(start_unregister_all(8));
	EXPECT(vacant(&crowd[7]));
	EXPECT(destroyed_once_each(1, 8));
	EXPECT(actor_running(&unloader) && !crowd[0].destroys);
	subject_prepare(&heir, names[7]);
	EXPECT(!raceless_register(&heir.provider));
	raceless_unregister(&heir.provider);
	EXPECT(actor_running(&unloader) && !crowd[0].destroys);
	raceless_put(held);
	EXPECT(actor_done(&unloader));
	EXPECT(destroyed_once_each(0, 8));
	return NULL;
}

static void put_held(struct subject *subject)
{
	raceless_put(held);
}

/* One destroy ends the drain of another, wherever that stands. */
static const char *on_each_other(void)
{
	unsigned int below;

	for (below = 0; below < 3; below += 2) {
		EXPECT(register_all("selftest_on_other", 3));
		crowd[1].in_destroy = put_held;
		held = raceless_tryget(crowd[below].provider.slot);
		EXPECT(held);
		EXPECT(start_unregister_all(3));
		EXPECT(actor_done(&unloader));
		EXPECT(destroyed_once_each(0, 3));
		EXPECT(crowd[below].destroyed_order >
		       crowd[1].destroyed_order);
	}
	return NULL;
}

static void get_next(struct subject *subject)
{
	struct raceless_slot *slot = crowd[1].provider.slot;
	struct raceless_provider *provider = raceless_get(slot, PATIENCE);

	got = PTR_ERR_OR_ZERO(provider);
}

/* An op that asks for another of its batch is told, whichever comes first. */
static const char *op_asks_for_another(void)
{
	EXPECT(register_all("selftest_asks", 2));
	crowd[0].in_stop = get_next;
	got = 0;
	raceless_unregister_all(providers, 2);
	EXPECT(got == -EDEADLK);
	EXPECT(register_all("selftest_asks", 2));
	crowd[0].in_destroy = get_next;
	got = 0;
	raceless_unregister_all(providers, 2);
	EXPECT(got == -EDEADLK);
	return NULL;
}

static const char *listed_twice(void)
{
	EXPECT(register_all("selftest_twice", 3));
	providers[2] = providers[0];
	raceless_unregister_all(providers, 3);
	EXPECT(destroyed_once_each(0, 2));
	EXPECT(news_grace_periods() == 1 && news_grace_instances() == 2);
	raceless_unregister(&crowd[2].provider);
	EXPECT(destroyed_once_each(0, 3));
	raceless_unregister_all(NULL, 0);
	return NULL;
}

/* One is in the hands of a worker, where it drains: the other does not wait. */
static const char *in_others_hands(void)
{
	struct file *file = device_open();

	EXPECT(!IS_ERR(file));
	EXPECT(register_all("selftest_others", 2));
	news_expect(names[0]);
	EXPECT(subject_block(&crowd[0], AT_DRAIN));
	leaver = (struct actor){
		.subject = &crowd[0],
		.file = file,
		.mm = current->mm,
	};
	EXPECT(actor_start(&leaver, act_unload));
	EXPECT(subject_stands(&crowd[0], AT_DRAIN));
	EXPECT(start_unregister_all(2));
	EXPECT(vacant(&crowd[1]));
	EXPECT(destroyed_once_each(1, 2));
	EXPECT(actor_running(&unloader) && !crowd[0].destroys);
	subject_proceed(&crowd[0], AT_DRAIN);
	EXPECT(actor_done(&unloader) && actor_done(&leaver) && !leaver.result);
	EXPECT(destroyed_once_each(0, 2));
	EXPECT(device_close(file));
	return NULL;
}

/* Two, of which the first is being brought back. */
static const char *bring_back(const char *name)
{
	struct raceless_slot *slot;
	struct file *file = device_open();

	EXPECT(!IS_ERR(file));
	EXPECT(register_all(name, 2));
	slot = crowd[0].provider.slot;
	EXPECT(!device_unload(file, names[0], 0, 0));
	gate_close(&crowd[0].init);
	news_expect(names[0]);
	getter = (struct actor){ .slot = slot, .timeout = PATIENCE };
	EXPECT(actor_start(&getter, act_get) && news_joined(1));
	EXPECT(device_close(file));
	EXPECT(gate_reached(&crowd[0].init));
	return NULL;
}

/*
 * It is destroyed once it has been published, and the module may be gone as soon as
 * it is: its flight lets go of that with the publish, for whose sake it kept it.
 */
static const char *being_loaded(void)
{
	const char *complaint = bring_back("selftest_loading");

	if (complaint)
		return complaint;
	EXPECT(news_watch_pin(crowd[0].provider.slot));
	EXPECT(start_unregister_all(2));
	EXPECT(vacant(&crowd[1]));
	EXPECT(actor_running(&unloader));
	gate_open(&crowd[0].init);
	EXPECT(actor_done(&getter) && !getter.result);
	EXPECT(news_pin_put_in_time());
	EXPECT(actor_running(&unloader) && crowd[0].destroys == 1);
	raceless_put(getter.provider);
	EXPECT(actor_done(&unloader));
	EXPECT(crowd[0].inits == 2 && crowd[0].destroys == 2);
	return NULL;
}

/* And the other's drain waits for what it holds until then. */
static const char *being_loaded_holds(void)
{
	const char *complaint = bring_back("selftest_loading_holds");

	if (complaint)
		return complaint;
	crowd[0].in_destroy = put_held;
	held = raceless_tryget(crowd[1].provider.slot);
	EXPECT(held);
	EXPECT(start_unregister_all(2));
	EXPECT(subject_drains(&crowd[1]));
	gate_open(&crowd[0].init);
	EXPECT(actor_done(&getter) && !getter.result);
	raceless_put(getter.provider);
	EXPECT(actor_done(&unloader));
	EXPECT(crowd[0].destroys == 2 && crowd[1].destroys == 1);
	return NULL;
}

/* The same of one that was about to be replaced, by one that fails. */
static const char *being_replaced_holds(void)
{
	EXPECT(register_all("selftest_replaced_holds", 2));
	subject_prepare(&heir, names[0]);
	heir.provider.replace = true;
	heir.init_error = -EIO;
	gate_close(&heir.init);
	loader = (struct actor){ .subject = &heir };
	EXPECT(actor_start(&loader, act_register));
	EXPECT(gate_reached(&heir.init));
	crowd[0].in_destroy = put_held;
	held = raceless_tryget(crowd[1].provider.slot);
	EXPECT(held);
	EXPECT(start_unregister_all(2));
	EXPECT(subject_drains(&crowd[1]));
	gate_open(&heir.init);
	EXPECT(actor_done(&loader) && loader.result == -EIO);
	EXPECT(actor_done(&unloader));
	EXPECT(destroyed_once_each(0, 2));
	return NULL;
}

const struct test batch_tests[] = {
	{ "batch_of_64_waits_for_one_grace_period", one_grace_period },
	{ "held_member_keeps_nobody", held_member },
	{ "members_that_hold_each_other", on_each_other },
	{ "op_that_asks_for_another_of_its_batch", op_asks_for_another },
	{ "member_that_is_listed_twice", listed_twice },
	{ "member_in_the_hands_of_another", in_others_hands },
	{ "member_that_is_being_loaded", being_loaded },
	{ "member_that_is_being_loaded_holds_another", being_loaded_holds },
	{ "member_that_is_being_replaced_holds_another", being_replaced_holds },
	{},
};
