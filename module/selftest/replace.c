// SPDX-License-Identifier: GPL-2.0
/*
 * Replacement side by side: a successor that comes while its predecessor serves,
 * and everything that may come between the two.
 */
#include <linux/err.h>

#include "selftest.h"

static struct subject old, new, third;
static struct actor loader, unloader, other, getter;
static struct raceless_slot *slot;

static const char *begin(const char *name)
{
	subject_prepare(&old, name);
	subject_prepare(&new, name);
	new.provider.replace = true;
	slot = raceless_slot_get(name);
	EXPECT(!IS_ERR(slot));
	EXPECT(!raceless_register(&old.provider));
	loader = (struct actor){ .subject = &new };
	unloader = (struct actor){ .subject = &old };
	return NULL;
}

static const char *end(void)
{
	raceless_slot_put(slot);
	return NULL;
}

/* The successor's init stands. */
static const char *begin_in_init(const char *name)
{
	const char *complaint = begin(name);

	if (complaint)
		return complaint;
	gate_close(&new.init);
	EXPECT(actor_start(&loader, act_register));
	EXPECT(gate_reached(&new.init));
	return NULL;
}

/* The predecessor has been replaced, and stands at the step on its way out. */
static const char *begin_retiring(const char *name, enum step step)
{
	const char *complaint = begin(name);

	if (complaint)
		return complaint;
	EXPECT(subject_block(&old, step));
	EXPECT(!raceless_register(&new.provider));
	EXPECT(subject_stands(&old, step));
	return NULL;
}

/* A get that may not sleep gives this one. */
static bool serves(struct subject *subject)
{
	struct raceless_provider *now = raceless_tryget(slot);
	struct raceless_provider *got = raceless_get(slot, 1);
	bool right = now == &subject->provider && got == now;

	if (now)
		raceless_put(now);
	if (!IS_ERR(got))
		raceless_put(got);
	return right;
}

/* Until somebody waits for the slot to change, or has wrongly begun. */
static void await_wait(const struct subject *subject)
{
	/* we wake nobody, so a waiter seen late costs a turn and nothing else */
	while (!waitqueue_active(&slot->changed) && !READ_ONCE(subject->inits))
		cond_resched();
}

static const char *takes_over(void)
{
	const char *complaint = begin_in_init("selftest_take_over");

	if (complaint)
		return complaint;
	EXPECT(serves(&old) && !old.stops);
	gate_open(&new.init);
	EXPECT(actor_done(&loader) && !loader.result);
	EXPECT(serves(&new));
	raceless_unregister(&old.provider);
	EXPECT(old.stops == 1 && old.destroys == 1);
	EXPECT(news_grace_periods() == 1);
	EXPECT(serves(&new) && !slot->beside && !slot->flights);
	raceless_unregister(&new.provider);
	EXPECT(new.stops == 1 && new.destroys == 1);
	EXPECT(slot->unloads == 2 && slot->publishes == 2);
	return end();
}

/* Whoever holds the predecessor keeps nobody from its successor. */
static const char *holder_stays(void)
{
	const char *complaint = begin_retiring("selftest_holder", AT_DRAIN);

	if (complaint)
		return complaint;
	EXPECT(!loader.result && serves(&new));
	EXPECT(actor_start(&unloader, act_unregister));
	EXPECT(actor_running(&unloader) && !old.destroys);
	subject_proceed(&old, AT_DRAIN);
	EXPECT(actor_done(&unloader) && old.destroys == 1);
	EXPECT(serves(&new));
	raceless_unregister(&new.provider);
	return end();
}

static const char *fails(void)
{
	const char *complaint = begin_in_init("selftest_no_heir");

	if (complaint)
		return complaint;
	new.init_error = -ENXIO;
	EXPECT(serves(&old));
	gate_open(&new.init);
	EXPECT(actor_done(&loader) && loader.result == -ENXIO);
	EXPECT(serves(&old) && !old.stops && !slot->beside);
	EXPECT(!new.provider.slot && !new.stops && !new.destroys);
	new.init_error = 0;
	EXPECT(!raceless_register(&new.provider));
	EXPECT(serves(&new));
	raceless_unregister(&old.provider);
	raceless_unregister(&new.provider);
	return end();
}

static const char *nobody_there(void)
{
	subject_prepare(&new, "selftest_no_elder");
	new.provider.replace = true;
	EXPECT(!raceless_register(&new.provider));
	slot = new.provider.slot;
	EXPECT(serves(&new) && !slot->beside);
	raceless_unregister(&new.provider);
	return NULL;
}

/* The next replacement waits for the end of the one before, and can be killed. */
static const char *one_at_a_time(void)
{
	const char *complaint = begin_retiring("selftest_queue", AT_DESTROY);

	if (complaint)
		return complaint;
	subject_prepare(&third, "selftest_queue");
	EXPECT(raceless_register(&third.provider) == -EEXIST);
	third.provider.replace = true;
	other = (struct actor){ .subject = &third };
	EXPECT(actor_start(&other, act_register));
	await_wait(&third);
	actor_kill(&other);
	EXPECT(actor_done(&other) && other.result == -EINTR);
	EXPECT(actor_start(&other, act_register));
	await_wait(&third);
	EXPECT(!third.inits && serves(&new));
	subject_proceed(&old, AT_DESTROY);
	EXPECT(actor_done(&other) && !other.result);
	EXPECT(old.destroyed_order < third.init_order);
	EXPECT(serves(&third));
	raceless_unregister(&new.provider);
	raceless_unregister(&old.provider);
	raceless_unregister(&third.provider);
	return end();
}

/* The successor goes before its predecessor: the name is not vacant yet. */
static const char *successor_goes_first_at(enum step step)
{
	const char *complaint = begin_retiring("selftest_first_out", step);
	u64 flights;

	if (complaint)
		return complaint;
	flights = slot->flights; /* of the step before, if the slot is still there */
	raceless_unregister(&new.provider);
	EXPECT(new.destroys == 1 && !old.destroyed_order);
	subject_prepare(&third, "selftest_first_out");
	getter = (struct actor){ .slot = slot, .timeout = PATIENCE };
	EXPECT(actor_start(&getter, act_get) && news_joined(1));
	other = (struct actor){ .subject = &third };
	EXPECT(actor_start(&other, act_register));
	await_wait(&third);
	EXPECT(!third.inits && slot->flights == flights);
	subject_proceed(&old, step);
	EXPECT(actor_done(&other));
	EXPECT(actor_done(&getter));
	/* the load and the flight may each be the first */
	if (!getter.result)
		raceless_put(getter.provider);
	if (other.result) {
		EXPECT(other.result == -EEXIST && old.inits == 2);
	} else {
		EXPECT(old.destroyed_order < third.init_order);
		raceless_unregister(&third.provider);
	}
	raceless_unregister(&old.provider);
	return end();
}

static const char *successor_goes_first(void)
{
	const char *complaint = NULL;
	enum step step;

	for (step = AT_STOP; step < AFTERWARDS && !complaint; step++)
		complaint = successor_goes_first_at(step);
	return complaint;
}

/* The predecessor's module goes while the successor's init runs: it waits. */
static const char *predecessor_goes(int error)
{
	const char *complaint = begin_in_init("selftest_parting");

	if (complaint)
		return complaint;
	new.init_error = error;
	EXPECT(actor_start(&unloader, act_unregister));
	/* until it sleeps: for that init, or for something that is wrong */
	while (READ_ONCE(unloader.task->__state) != TASK_UNINTERRUPTIBLE &&
	       actor_running(&unloader))
		cond_resched();
	EXPECT(actor_running(&unloader) && !old.stops);
	EXPECT(serves(&old));
	gate_open(&new.init);
	EXPECT(actor_done(&loader) && loader.result == error);
	EXPECT(actor_done(&unloader) && old.destroys == 1);
	if (error) {
		EXPECT(!raceless_tryget(slot) && !slot->provider);
		return end();
	}
	EXPECT(serves(&new));
	raceless_unregister(&new.provider);
	return end();
}

static const char *predecessor_goes_in_init(void)
{
	return predecessor_goes(0) ?: predecessor_goes(-ENXIO);
}

static const char *unload_by_name(void)
{
	const char *complaint = begin_in_init("selftest_by_ioctl");
	struct file *file = device_open();

	EXPECT(!IS_ERR(file));
	if (complaint)
		return complaint;
	EXPECT(device_unload(file, "selftest_by_ioctl", 0, 0) == -EBUSY);
	EXPECT(subject_block(&old, AT_DESTROY));
	gate_open(&new.init);
	EXPECT(actor_done(&loader) && !loader.result);
	EXPECT(subject_stands(&old, AT_DESTROY));
	EXPECT(device_unload(file, "selftest_by_ioctl", 0, 0) == -EBUSY);
	subject_proceed(&old, AT_DESTROY);
	raceless_unregister(&old.provider);
	EXPECT(!device_unload(file, "selftest_by_ioctl", 0, 0));
	EXPECT(new.destroys == 1);
	EXPECT(device_close(file));
	raceless_unregister(&new.provider);
	return end();
}

/* One that was destroyed by name, its module still there. */
static const char *parked(int error)
{
	const char *complaint = begin("selftest_parked");
	struct file *file = device_open();

	EXPECT(!IS_ERR(file));
	if (complaint)
		return complaint;
	EXPECT(!device_unload(file, "selftest_parked", 0, 0));
	EXPECT(raceless_register(&new.provider) == -EBUSY);
	EXPECT(device_close(file));
	new.init_error = error;
	gate_close(&new.init);
	EXPECT(actor_start(&loader, act_register));
	EXPECT(gate_reached(&new.init));
	getter = (struct actor){ .slot = slot, .timeout = PATIENCE };
	EXPECT(actor_start(&getter, act_get) && news_joined(1));
	EXPECT(!slot->flights);
	gate_open(&new.init);
	EXPECT(actor_done(&loader) && loader.result == error);
	EXPECT(actor_done(&getter) && !getter.result);
	EXPECT(getter.provider == (error ? &old.provider : &new.provider));
	raceless_put(getter.provider);
	EXPECT(old.inits == (error ? 2 : 1) && old.stops == 1);
	raceless_unregister(&old.provider);
	if (!error)
		raceless_unregister(&new.provider);
	return end();
}

static const char *parked_predecessor(void)
{
	return parked(0) ?: parked(-ENXIO);
}

static long act_get_pinned(struct actor *actor)
{
	actor->provider = raceless_get_pinned(actor->slot, actor->timeout);
	return PTR_ERR_OR_ZERO(actor->provider);
}

/*
 * A get that wants a pin waits while the predecessor's module goes, though the
 * predecessor is live. The switch ends its wait.
 */
static const char *waiter_at_the_switch(void)
{
	static struct module going = { .name = "selftest_going" };

	subject_prepare(&old, "selftest_pin");
	subject_prepare(&new, "selftest_pin");
	new.provider.replace = true;
	going.state = MODULE_STATE_LIVE;
	EXPECT(!__raceless_register(&old.provider, &going));
	slot = old.provider.slot;
	going.state = MODULE_STATE_GOING;
	getter = (struct actor){ .slot = slot, .timeout = PATIENCE };
	EXPECT(actor_start(&getter, act_get_pinned) && news_joined(1));
	EXPECT(!raceless_register(&new.provider));
	EXPECT(actor_done(&getter) && !getter.result);
	EXPECT(getter.provider == &new.provider);
	raceless_put_pinned(getter.provider);
	raceless_unregister(&old.provider);
	raceless_unregister(&new.provider);
	return NULL;
}

static struct raceless_provider *got_in_stop;

static void get_in_stop(struct subject *subject)
{
	got_in_stop = raceless_get(slot, PATIENCE);
}

/* Two tasks run ops of the name at once; a get in either knows of both. */
static const char *get_in_an_op(bool alone)
{
	const char *complaint = begin("selftest_two_ops");

	if (complaint)
		return complaint;
	old.in_stop = get_in_stop;
	gate_close(&old.stop);
	EXPECT(!raceless_register(&new.provider));
	EXPECT(gate_reached(&old.stop));
	if (alone)
		raceless_unregister(&new.provider);
	gate_open(&old.stop);
	raceless_unregister(&old.provider);
	if (alone) {
		EXPECT(got_in_stop == ERR_PTR(-EDEADLK));
		return end();
	}
	EXPECT(got_in_stop == &new.provider);
	raceless_put(got_in_stop);
	raceless_unregister(&new.provider);
	return end();
}

static const char *get_in_ops(void)
{
	return get_in_an_op(false) ?: get_in_an_op(true);
}

/* By unload and load: the hold outlasts the module, and the next publish ends it. */
static const char *through_hold(int error)
{
	const char *complaint = begin("selftest_through");
	struct file *file = device_open();

	EXPECT(!IS_ERR(file));
	if (complaint)
		return complaint;
	new.provider.replace = false;
	new.init_error = error;
	EXPECT(device_unload(file, "selftest_through",
			     RACELESS_UNLOAD_REPLACE | RACELESS_UNLOAD_HOLD,
			     0) == -EINVAL);
	EXPECT(!device_unload(file, "selftest_through",
			      RACELESS_UNLOAD_REPLACE, 0));
	getter = (struct actor){ .slot = slot, .timeout = PATIENCE };
	EXPECT(actor_start(&getter, act_get) && news_joined(1));
	raceless_unregister(&old.provider);
	EXPECT(actor_running(&getter) && !slot->flights);
	EXPECT(raceless_register(&new.provider) == error);
	EXPECT(actor_done(&getter) && getter.result == error);
	EXPECT(!slot->flights);
	EXPECT(device_release(file, "selftest_through") ==
	       (error ? 0 : -ENOENT));
	EXPECT(device_close(file));
	if (error)
		return end();
	EXPECT(getter.provider == &new.provider);
	raceless_put(getter.provider);
	raceless_unregister(&new.provider);
	return end();
}

static const char *through(void)
{
	return through_hold(0) ?: through_hold(-ENXIO);
}

/* The same, and the predecessor's module has stayed: it is parked. */
static const char *through_parked(void)
{
	const char *complaint = begin("selftest_parked");
	struct file *file = device_open();

	EXPECT(!IS_ERR(file));
	if (complaint)
		return complaint;
	new.init_error = -ENXIO;
	EXPECT(!device_unload(file, "selftest_parked", RACELESS_UNLOAD_REPLACE,
			      0));
	getter = (struct actor){ .slot = slot, .timeout = PATIENCE };
	EXPECT(actor_start(&getter, act_get) && news_joined(1));
	EXPECT(raceless_register(&new.provider) == -ENXIO);
	EXPECT(actor_done(&getter) && getter.result == -ENXIO);
	EXPECT(!slot->flights && slot->hold);
	EXPECT(!device_release(file, "selftest_parked"));
	EXPECT(device_close(file));
	raceless_unregister(&old.provider);
	return end();
}

const struct test replace_tests[] = {
	{ "successor_takes_over", takes_over },
	{ "predecessor_is_held", holder_stays },
	{ "successor_whose_init_fails_replaces_nobody", fails },
	{ "nobody_to_replace", nobody_there },
	{ "one_replacement_at_a_time", one_at_a_time },
	{ "successor_goes_first_at_each_step", successor_goes_first },
	{ "predecessor_goes_during_init", predecessor_goes_in_init },
	{ "unload_by_name_meets_a_replacement", unload_by_name },
	{ "predecessor_is_parked", parked_predecessor },
	{ "waiter_is_handed_off_at_the_switch", waiter_at_the_switch },
	{ "get_in_one_of_two_ops", get_in_ops },
	{ "hold_for_a_replacement", through },
	{ "hold_for_a_replacement_of_a_parked_one", through_parked },
	{},
};
