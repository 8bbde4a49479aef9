// SPDX-License-Identifier: GPL-2.0
/*
 * Flights, with a modprobe that stands at a gate for as long as the test wants:
 * modprobe.d has "install raceless-selftest_gated" write to our parameter. The
 * write always succeeds, and nothing is published by it.
 */
#include <linux/err.h>
#include <linux/moduleparam.h>

#include "selftest.h"

#define NAME "selftest_gated"
#define CROWD 64

static struct raceless_slot *slot;
static struct gate modprobe;
static unsigned int nr_modprobes; /* run since the module was loaded */
static struct raceless_provider *in_modprobe; /* which it registers, if set */
static struct actor *victim; /* whom the second attempt kills, if set */
static unsigned int modprobes_before;

static unsigned int modprobes(void)
{
	return READ_ONCE(nr_modprobes) - modprobes_before;
}

static int on_modprobe(const char *value, const struct kernel_param *param)
{
	nr_modprobes++;
	gate_pass(&modprobe);
	if (victim && modprobes() == 2) {
		actor_kill(victim);
		while (READ_ONCE(slot->nr_waiters))
			cond_resched();
	}
	return in_modprobe ? raceless_register(in_modprobe) : 0;
}

static const struct kernel_param_ops on_modprobe_ops = { .set = on_modprobe };
module_param_cb(modprobe, &on_modprobe_ops, NULL, 0200);
MODULE_PARM_DESC(modprobe, "written by the modprobe of " NAME);

static struct subject subject, other;
static struct actor getter, second, loader, unloader;
static struct actor crowd[CROWD];

static bool start_get(struct actor *actor, unsigned long timeout)
{
	*actor = (struct actor){ .slot = slot, .timeout = timeout };
	return actor_start(actor, act_get) && news_joined(1);
}

/* By the last flight: once, and once more if an unload of late may have spoilt it. */
static bool tried(unsigned int nr)
{
	return nr == slot->flight_tries && nr <= 2;
}

static bool landed(void)
{
	return wait_event_timeout(slot->changed, !READ_ONCE(slot->flying),
				  PATIENCE);
}

/* A slot without a past, and a modprobe that comes to us. */
static const char *prepare(void)
{
	struct raceless_provider *provider;

	slot = raceless_slot_get(NAME);
	EXPECT(!IS_ERR(slot));
	modprobes_before = nr_modprobes;
	provider = raceless_get(slot, PATIENCE);
	EXPECT(PTR_ERR(provider) == -ENOENT);
	if (!modprobes())
		return SKIP("needs modprobe.d to write to our parameter");
	EXPECT(landed());
	modprobes_before = nr_modprobes;
	subject_prepare(&subject, NAME);
	return NULL;
}

/* One get, whose flight is in modprobe. */
static const char *begin(unsigned long timeout)
{
	const char *complaint = prepare();

	if (complaint)
		return complaint;
	gate_close(&modprobe);
	EXPECT(start_get(&getter, timeout));
	EXPECT(gate_reached(&modprobe));
	return NULL;
}

/* Nobody waits any more; the flight lands, and tells nobody. */
static const char *land_alone(void)
{
	u64 errors = slot->flight_errors;

	EXPECT(!slot->nr_waiters && list_empty(&slot->waiters));
	gate_open(&modprobe);
	EXPECT(landed());
	EXPECT(modprobes() == 1);
	EXPECT(slot->flight_errors == errors);
	EXPECT(!raceless_register(&subject.provider));
	EXPECT(!slot->handed_off);
	raceless_unregister(&subject.provider); /* no reference was left */
	raceless_slot_put(slot);
	return NULL;
}

static const char *killed(void)
{
	const char *complaint = begin(PATIENCE);

	if (complaint)
		return complaint;
	actor_kill(&getter);
	EXPECT(actor_done(&getter) && getter.result == -EINTR);
	return land_alone();
}

/*
 * The same, in the attempt after which the flight would tell an error: it tells none,
 * as whoever joins now could have had better than that.
 */
static const char *killed_late(void)
{
	const char *complaint = prepare();
	u64 errors = slot->flight_errors;

	if (complaint)
		return complaint;
	victim = &getter;
	EXPECT(start_get(&getter, PATIENCE));
	EXPECT(actor_done(&getter));
	EXPECT(landed());
	victim = NULL;
	EXPECT(modprobes() == 1 || getter.result == -EINTR);
	EXPECT(modprobes() == 1 || slot->flight_errors == errors);
	raceless_slot_put(slot);
	return NULL;
}

static const char *timed_out(void)
{
	const char *complaint = prepare();

	if (complaint)
		return complaint;
	gate_close(&modprobe);
	EXPECT(start_get(&getter, 1));
	EXPECT(actor_done(&getter) && getter.result == -ETIMEDOUT);
	/* the flight may have seen that nobody waits, and run no modprobe */
	gate_open(&modprobe);
	EXPECT(landed());
	EXPECT(modprobes() <= 1);
	EXPECT(!slot->nr_waiters && list_empty(&slot->waiters));
	raceless_slot_put(slot);
	return NULL;
}

/* All who join while it is in the air: one modprobe, one error, at once. */
static const char *shared(void)
{
	const char *complaint = begin(PATIENCE);
	u64 flights = slot->flights, errors = slot->flight_errors;
	int i;

	if (complaint)
		return complaint;
	for (i = 0; i < CROWD; i++)
		EXPECT(start_get(&crowd[i], PATIENCE));
	gate_open(&modprobe);
	EXPECT(actor_done(&getter) && getter.result == -ENOENT);
	for (i = 0; i < CROWD; i++)
		EXPECT(actor_done(&crowd[i]) && crowd[i].result == -ENOENT);
	EXPECT(landed());
	EXPECT(tried(modprobes()));
	EXPECT(slot->flights == flights && slot->flight_errors == errors + 1);
	raceless_slot_put(slot);
	return NULL;
}

/* Somebody else's load serves those who wait, while modprobe still runs. */
static const char *overtaken(void)
{
	const char *complaint = begin(PATIENCE);
	u64 errors = slot->flight_errors;

	if (complaint)
		return complaint;
	EXPECT(!raceless_register(&subject.provider));
	EXPECT(actor_done(&getter) && !getter.result);
	EXPECT(getter.provider == &subject.provider);
	EXPECT(slot->flying);
	gate_open(&modprobe);
	EXPECT(landed());
	EXPECT(slot->flight_errors == errors);
	raceless_put(getter.provider);
	raceless_unregister(&subject.provider);
	raceless_slot_put(slot);
	return NULL;
}

/* Who joins after that publish, with the flight still there, is not forgotten. */
static const char *late(void)
{
	const char *complaint = begin(PATIENCE);
	u64 flights = slot->flights;

	if (complaint)
		return complaint;
	EXPECT(!raceless_register(&subject.provider));
	EXPECT(actor_done(&getter) && !getter.result);
	raceless_put(getter.provider);
	EXPECT(subject_block(&subject, AT_DESTROY));
	unloader.subject = &subject;
	EXPECT(actor_start(&unloader, act_unregister));
	EXPECT(subject_stands(&subject, AT_DESTROY));
	EXPECT(start_get(&second, PATIENCE));
	subject_proceed(&subject, AT_DESTROY);
	EXPECT(actor_done(&unloader));
	EXPECT(slot->flights == flights && slot->flying); /* still the first */
	gate_open(&modprobe);
	EXPECT(actor_done(&second) && second.result == -ENOENT);
	EXPECT(landed());
	EXPECT(slot->flights == flights + 1 && tried(modprobes() - 1));
	raceless_slot_put(slot);
	return NULL;
}

/* An init that fails while modprobe runs: the flight tells its error, once. */
static const char *init_fails(void)
{
	const char *complaint = begin(PATIENCE);

	if (complaint)
		return complaint;
	subject.init_error = -EIO;
	EXPECT(raceless_register(&subject.provider) == -EIO);
	EXPECT(actor_running(&getter) && slot->nr_waiters == 1);
	gate_open(&modprobe);
	EXPECT(actor_done(&getter) && getter.result == -EIO);
	EXPECT(landed());
	raceless_slot_put(slot);
	return NULL;
}

/* Another load, whose loader is killed, says nothing about the first one's error. */
static const char *killed_after_failure(void)
{
	const char *complaint = begin(PATIENCE);

	if (complaint)
		return complaint;
	subject.init_error = -EIO;
	EXPECT(raceless_register(&subject.provider) == -EIO);
	subject_prepare(&other, NAME);
	other.init_error = -ENXIO;
	gate_close(&other.init);
	loader.subject = &other;
	EXPECT(actor_start(&loader, act_register));
	EXPECT(gate_reached(&other.init));
	actor_kill(&loader);
	gate_open(&other.init);
	EXPECT(actor_done(&loader) && loader.result == -ENXIO);
	EXPECT(actor_running(&getter));
	gate_open(&modprobe);
	EXPECT(actor_done(&getter) && getter.result == -EIO);
	EXPECT(landed());
	raceless_slot_put(slot);
	return NULL;
}

/*
 * The flight that brought the instance is still in modprobe, and the name is held
 * for a successor, whose init fails: who waits has that error.
 */
static const char *init_fails_under_hold(void)
{
	const char *complaint = begin(PATIENCE);
	struct file *file;

	if (complaint)
		return complaint;
	EXPECT(!raceless_register(&subject.provider));
	EXPECT(actor_done(&getter) && !getter.result);
	raceless_put(getter.provider);
	file = device_open();
	EXPECT(!IS_ERR(file));
	EXPECT(device_unload(file, NAME, RACELESS_UNLOAD_REPLACE, HZ / 10) ==
	       -ETIMEDOUT);
	raceless_unregister(&subject.provider);
	EXPECT(start_get(&second, PATIENCE));
	subject_prepare(&other, NAME);
	other.init_error = -EIO;
	EXPECT(raceless_register(&other.provider) == -EIO);
	EXPECT(actor_done(&second) && second.result == -EIO);
	EXPECT(slot->flying && slot->hold);
	EXPECT(device_close(file));
	gate_open(&modprobe);
	EXPECT(landed());
	raceless_slot_put(slot);
	return NULL;
}

/*
 * Somebody else published while modprobe ran, and is parked: what modprobe loads
 * replaces it, and does not wait for the flight, which waits for modprobe.
 */
static const char *successor(void)
{
	const char *complaint = begin(PATIENCE);
	struct raceless_provider *provider;

	if (complaint)
		return complaint;
	EXPECT(!raceless_register(&subject.provider));
	EXPECT(actor_done(&getter) && !getter.result);
	raceless_put(getter.provider);
	EXPECT(!raceless_park(&subject.provider));
	subject_prepare(&other, NAME);
	other.provider.replace = true;
	in_modprobe = &other.provider;
	gate_open(&modprobe);
	EXPECT(landed());
	in_modprobe = NULL;
	provider = raceless_tryget(slot);
	EXPECT(provider == &other.provider && modprobes() == 1);
	raceless_put(provider);
	raceless_unregister(&subject.provider);
	raceless_unregister(&other.provider);
	raceless_slot_put(slot);
	return NULL;
}

/* A flight in modprobe, and a superseded provider of a module that goes now. */
static const char *begin_beside_elder(void)
{
	static struct module going = { .name = "selftest_going" };
	const char *complaint = prepare();

	if (complaint)
		return complaint;
	going.state = MODULE_STATE_LIVE;
	EXPECT(!__raceless_register(&subject.provider, &going));
	subject_prepare(&other, NAME);
	other.provider.replace = true;
	EXPECT(!raceless_register(&other.provider));
	EXPECT(wait_event_timeout(slot->changed, !READ_ONCE(slot->beside),
				  PATIENCE));
	raceless_unregister(&other.provider);
	gate_close(&modprobe);
	EXPECT(start_get(&getter, PATIENCE));
	EXPECT(gate_reached(&modprobe));
	going.state = MODULE_STATE_GOING;
	return NULL;
}

/*
 * modprobe finds a module that was superseded, and that goes before anybody can
 * take a reference on it: the flight waits until it has gone, as for any owner.
 */
static const char *superseded_goes(void)
{
	const char *complaint = begin_beside_elder();

	if (complaint)
		return complaint;
	gate_open(&modprobe);
	/* the longest that it may take until it has an error, if it has one */
	EXPECT(!wait_for_completion_timeout(&getter.done, HZ));
	EXPECT(slot->flying);
	subject_prepare(&other, NAME);
	EXPECT(!raceless_register(&other.provider));
	EXPECT(actor_done(&getter) && !getter.result);
	EXPECT(getter.provider == &other.provider);
	EXPECT(landed());
	raceless_put(getter.provider);
	raceless_unregister(&other.provider);
	raceless_unregister(&subject.provider);
	raceless_slot_put(slot);
	return NULL;
}

/* Another init that fails meanwhile is what they are told, and at once. */
static const char *superseded_goes_beside_failure(void)
{
	const char *complaint = begin_beside_elder();

	if (complaint)
		return complaint;
	subject_prepare(&other, NAME);
	other.init_error = -EIO;
	in_modprobe = &other.provider;
	gate_open(&modprobe);
	EXPECT(actor_done(&getter) && getter.result == -EIO);
	EXPECT(landed());
	in_modprobe = NULL;
	raceless_unregister(&subject.provider);
	raceless_slot_put(slot);
	return NULL;
}

/* There is nothing to unload yet, and asking for it disturbs nobody. */
static const char *unload_of_absent(void)
{
	const char *complaint = begin(PATIENCE);
	struct file *file;

	if (complaint)
		return complaint;
	file = device_open();
	EXPECT(!IS_ERR(file));
	EXPECT(device_unload(file, NAME, 0, PATIENCE) == -ENOENT);
	EXPECT(device_release(file, NAME) == -ENOENT);
	EXPECT(actor_running(&getter));
	EXPECT(device_close(file));
	gate_open(&modprobe);
	EXPECT(actor_done(&getter) && getter.result == -ENOENT);
	EXPECT(landed());
	raceless_slot_put(slot);
	return NULL;
}

/* A get that joined in an unload has the next load's instance. */
static const char *satisfied_at(enum step step)
{
	const char *complaint = prepare();

	if (complaint)
		return complaint;
	gate_close(&modprobe);
	EXPECT(!raceless_register(&subject.provider));
	EXPECT(subject_block(&subject, step));
	unloader.subject = &subject;
	EXPECT(actor_start(&unloader, act_unregister));
	EXPECT(subject_stands(&subject, step));
	EXPECT(start_get(&getter, PATIENCE));
	subject_prepare(&other, NAME);
	loader.subject = &other;
	EXPECT(actor_start(&loader, act_register));
	EXPECT(actor_running(&getter));
	subject_proceed(&subject, step);
	EXPECT(actor_done(&unloader));
	EXPECT(actor_done(&loader) && !loader.result);
	EXPECT(actor_done(&getter) && !getter.result);
	EXPECT(getter.provider == &other.provider);
	gate_open(&modprobe);
	EXPECT(landed());
	EXPECT(modprobes() <= 1);
	raceless_put(getter.provider);
	raceless_unregister(&other.provider);
	raceless_slot_put(slot);
	return NULL;
}

static const char *satisfied(void)
{
	const char *complaint = NULL;
	enum step step;

	for (step = AT_STOP; step < AFTERWARDS && !complaint; step++)
		complaint = satisfied_at(step);
	return complaint;
}

const struct test flight_tests[] = {
	{ "one_flight_for_all_who_join", shared },
	{ "killed_in_a_flight", killed },
	{ "killed_late_in_a_flight", killed_late },
	{ "timed_out_in_a_flight", timed_out },
	{ "publish_overtakes_a_flight", overtaken },
	{ "late_get_has_a_flight_of_its_own", late },
	{ "init_that_fails_in_a_flight", init_fails },
	{ "killed_load_after_an_init_that_fails", killed_after_failure },
	{ "init_that_fails_under_a_hold", init_fails_under_hold },
	{ "successor_from_an_overtaken_flight", successor },
	{ "superseded_module_that_goes", superseded_goes },
	{ "superseded_module_that_goes_beside_a_failure",
	  superseded_goes_beside_failure },
	{ "unload_of_what_is_not_there_yet", unload_of_absent },
	{ "get_in_an_unload_has_the_next_instance", satisfied },
	{},
};
