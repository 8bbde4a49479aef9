// SPDX-License-Identifier: GPL-2.0
/* Waiting gets: how they end, and that they leave nothing. */
#include <linux/err.h>

#include "selftest.h"

#define CROWD 64

static struct subject subject, other;
static struct actor loader, getter, second;
static struct actor crowd[CROWD];

static bool nothing_left(struct raceless_slot *slot)
{
	return !READ_ONCE(slot->nr_waiters) && list_empty(&slot->waiters);
}

/* A get that waits for an init which stands at its gate. */
static bool start_waiting(const char *name, unsigned long timeout)
{
	struct raceless_slot *slot = raceless_slot_get(name);

	if (IS_ERR(slot))
		return false;
	subject_prepare(&subject, name);
	gate_close(&subject.init);
	loader.subject = &subject;
	getter = (struct actor){ .slot = slot, .timeout = timeout };
	return actor_start(&loader, act_register) &&
	       gate_reached(&subject.init) &&
	       actor_start(&getter, act_get) && news_joined(1);
}

static const char *stop_waiting(void)
{
	struct raceless_slot *slot = getter.slot;

	EXPECT(nothing_left(slot));
	gate_open(&subject.init);
	EXPECT(actor_done(&loader) && !loader.result);
	EXPECT(!slot->handed_off);
	raceless_unregister(&subject.provider); /* no reference was left */
	raceless_slot_put(slot);
	return NULL;
}

static const char *killed(void)
{
	EXPECT(start_waiting("selftest_killed", PATIENCE));
	actor_kill(&getter);
	EXPECT(actor_done(&getter) && getter.result == -EINTR);
	return stop_waiting();
}

static const char *timed_out(void)
{
	EXPECT(start_waiting("selftest_timed_out", 1));
	EXPECT(actor_done(&getter) && getter.result == -ETIMEDOUT);
	return stop_waiting();
}

/* Everyone who waits is satisfied by one publish, and then drained. */
static const char *crowd_is_handed_off(void)
{
	struct raceless_slot *slot = raceless_slot_get("selftest_crowd");
	struct actor unloader = { .subject = &subject };
	int i;

	EXPECT(!IS_ERR(slot));
	subject_prepare(&subject, "selftest_crowd");
	gate_close(&subject.init);
	loader.subject = &subject;
	EXPECT(actor_start(&loader, act_register));
	EXPECT(gate_reached(&subject.init));
	for (i = 0; i < CROWD; i++) {
		crowd[i] = (struct actor){ .slot = slot, .timeout = PATIENCE };
		EXPECT(actor_start(&crowd[i], act_get));
	}
	EXPECT(news_joined(CROWD));
	EXPECT(slot->nr_waiters == CROWD);
	gate_open(&subject.init);
	EXPECT(actor_done(&loader) && !loader.result);
	gate_close(&subject.destroy);
	EXPECT(actor_start(&unloader, act_unregister));
	EXPECT(news_state(RACELESS_DRAINING));
	for (i = 0; i < CROWD; i++) {
		EXPECT(actor_done(&crowd[i]) && !crowd[i].result);
		EXPECT(crowd[i].provider == &subject.provider);
		EXPECT(subject_drains(&subject));
		raceless_put(crowd[i].provider);
	}
	gate_open(&subject.destroy);
	EXPECT(actor_done(&unloader));
	EXPECT(slot->handed_off == CROWD && slot->publishes == 1);
	EXPECT(nothing_left(slot));
	raceless_slot_put(slot);
	return NULL;
}

static long get_now(const char *name)
{
	struct raceless_slot *slot = raceless_slot_get(name);
	struct raceless_provider *provider;

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	provider = raceless_get(slot, PATIENCE);
	raceless_slot_put(slot);
	if (IS_ERR(provider))
		return PTR_ERR(provider);
	raceless_put(provider);
	return 0;
}

static int ask_for_self(struct subject *self)
{
	return get_now(self->provider.name) == -EDEADLK ? 0 : -EPROTO;
}

static const char *init_asks_for_itself(void)
{
	subject_prepare(&subject, "selftest_narcissus");
	subject.in_init = ask_for_self;
	EXPECT(!raceless_register(&subject.provider));
	raceless_unregister(&subject.provider);
	return NULL;
}

static long stop_was_told;

static void ask_in_stop(struct subject *self)
{
	stop_was_told = get_now(self->provider.name);
}

static const char *stop_asks_for_itself(void)
{
	subject_prepare(&subject, "selftest_regret");
	subject.in_stop = ask_in_stop;
	EXPECT(!raceless_register(&subject.provider));
	raceless_unregister(&subject.provider);
	EXPECT(stop_was_told == -EDEADLK);
	return NULL;
}

static int ask_for_left(struct subject *self)
{
	return get_now("selftest_left");
}

static int ask_for_right(struct subject *self)
{
	return get_now("selftest_right");
}

/* Two inits that ask for each other: the one that closes the circle is told. */
static const char *circle(void)
{
	subject_prepare(&other, "selftest_right");
	subject_prepare(&subject, "selftest_left");
	subject.in_init = ask_for_right;
	other.in_init = ask_for_left;
	gate_close(&subject.init);
	gate_close(&other.init);
	loader.subject = &subject;
	second = (struct actor){ .subject = &other };
	EXPECT(actor_start(&loader, act_register));
	EXPECT(gate_reached(&subject.init));
	EXPECT(actor_start(&second, act_register));
	EXPECT(gate_reached(&other.init));
	news_expect("selftest_right");
	gate_open(&subject.init);
	EXPECT(news_joined(1));
	gate_open(&other.init);
	EXPECT(actor_done(&second) && second.result == -EDEADLK);
	EXPECT(actor_done(&loader) && loader.result == -EDEADLK);
	return NULL;
}

static const char *missing(void)
{
	EXPECT(get_now("selftest_missing") == -ENOENT);
	return NULL;
}

/* The guest's modprobe.d makes this one succeed and do nothing. */
static const char *silent_modprobe(void)
{
	EXPECT(get_now("selftest_silent") == -ENOENT);
	return NULL;
}

const struct test wait_tests[] = {
	{ "killed_waiter_leaves_nothing", killed },
	{ "timed_out_waiter_leaves_nothing", timed_out },
	{ "crowd_is_handed_off", crowd_is_handed_off },
	{ "init_that_asks_for_itself", init_asks_for_itself },
	{ "stop_that_asks_for_itself", stop_asks_for_itself },
	{ "inits_that_ask_for_each_other", circle },
	{ "missing_module", missing },
	{ "modprobe_without_a_publish", silent_modprobe },
	{},
};
