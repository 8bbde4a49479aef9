// SPDX-License-Identifier: GPL-2.0
/* The flights' workers are all taken, and a flight is in the air that has none. */
#include <linux/err.h>
#include <linux/kernel.h>

#include "selftest.h"

#define NAME "selftest_no_worker"
#define NR_WORKERS 64 /* MAX_WORKERS of flight.c */

static struct {
	char name[RACELESS_NAME_SIZE];
	struct subject subject;
	struct actor getter;
} busy[NR_WORKERS];
static struct subject subject, successor;
static struct actor getter, loader;
static struct raceless_slot *slot;

/* A flight of @subject's name is about to call its init. */
static bool start_flight(struct subject *subject, struct actor *getter)
{
	if (raceless_park(&subject->provider))
		return false;
	*getter = (struct actor){ .slot = subject->provider.slot,
				  .timeout = 10 * PATIENCE };
	return actor_start(getter, act_get) && news_joined(1);
}

/* Each of them is in an init that does not end. */
static const char *take_workers(void)
{
	int i;

	for (i = 0; i < NR_WORKERS; i++) {
		snprintf(busy[i].name, sizeof(busy[i].name),
			 "selftest_worker%d", i);
		subject_prepare(&busy[i].subject, busy[i].name);
		EXPECT(!raceless_register(&busy[i].subject.provider));
		gate_close(&busy[i].subject.init);
		EXPECT(start_flight(&busy[i].subject, &busy[i].getter));
		EXPECT(gate_reached(&busy[i].subject.init));
	}
	return NULL;
}

static const char *release_workers(void)
{
	int i;

	for (i = 0; i < NR_WORKERS; i++)
		gate_open(&busy[i].subject.init);
	for (i = 0; i < NR_WORKERS; i++) {
		EXPECT(actor_done(&busy[i].getter) && !busy[i].getter.result);
		raceless_put(busy[i].getter.provider);
		raceless_unregister(&busy[i].subject.provider);
	}
	return NULL;
}

/* One who waits for a parked provider, and a successor that begins its init. */
static const char *begin(void)
{
	const char *complaint = take_workers();

	if (complaint)
		return complaint;
	slot = raceless_slot_get(NAME);
	EXPECT(!IS_ERR(slot));
	subject_prepare(&subject, NAME);
	subject.init_error = -EIO; /* known to the slot from now on */
	EXPECT(raceless_register(&subject.provider) == -EIO);
	subject_prepare(&subject, NAME);
	EXPECT(!raceless_register(&subject.provider));
	EXPECT(start_flight(&subject, &getter));
	EXPECT(slot->flying && subject.inits == 1);
	subject_prepare(&successor, NAME);
	successor.provider.replace = true;
	gate_close(&successor.init);
	loader.subject = &successor;
	EXPECT(actor_start(&loader, act_register));
	EXPECT(gate_reached(&successor.init));
	return NULL;
}

static bool landed(void)
{
	return wait_event_timeout(slot->changed, !READ_ONCE(slot->flying),
				  PATIENCE);
}

/* It does not wait for the flight, whose worker may be waiting for its load. */
static const char *not_awaited(void)
{
	const char *complaint = begin();

	if (complaint)
		return complaint;
	gate_open(&successor.init);
	EXPECT(actor_done(&loader) && !loader.result);
	EXPECT(actor_done(&getter) && !getter.result);
	EXPECT(getter.provider == &successor.provider && slot->flying);
	complaint = release_workers();
	if (complaint)
		return complaint;
	EXPECT(landed() && subject.inits == 1);
	raceless_put(getter.provider);
	raceless_unregister(&successor.provider);
	raceless_unregister(&subject.provider);
	raceless_slot_put(slot);
	return NULL;
}

/* A flight that has its turn while the successor's init runs leaves it to that. */
static const char *over(void)
{
	const char *complaint = begin();

	if (complaint)
		return complaint;
	complaint = release_workers();
	if (complaint)
		return complaint;
	EXPECT(landed() && subject.inits == 1);
	EXPECT(actor_running(&getter));
	successor.init_error = -ENXIO;
	gate_open(&successor.init);
	EXPECT(actor_done(&loader) && loader.result == -ENXIO);
	EXPECT(actor_done(&getter) && !getter.result); /* a flight of its own */
	EXPECT(getter.provider == &subject.provider && subject.inits == 2);
	raceless_put(getter.provider);
	raceless_unregister(&subject.provider);
	raceless_slot_put(slot);
	return NULL;
}

/* A successor that is killed in its init says nothing about who comes next. */
static const char *killed(void)
{
	const char *complaint = begin();

	if (complaint)
		return complaint;
	successor.init_error = -ENXIO;
	actor_kill(&loader);
	gate_open(&successor.init);
	EXPECT(actor_done(&loader) && loader.result == -ENXIO);
	raceless_unregister(&subject.provider);
	EXPECT(actor_running(&getter) && slot->flying);
	complaint = release_workers();
	if (complaint)
		return complaint;
	EXPECT(actor_done(&getter) && getter.result == -ENOENT);
	EXPECT(landed());
	raceless_slot_put(slot);
	return NULL;
}

const struct test worker_tests[] = {
	{ "successor_awaits_no_worker", not_awaited },
	{ "flight_beside_a_successors_init", over },
	{ "flight_after_a_killed_successor", killed },
	{},
};
