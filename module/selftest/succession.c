// SPDX-License-Identifier: GPL-2.0
/* A load of a name whose old instance is dying: its init begins afterwards. */
#include <linux/err.h>

#include "selftest.h"

static struct subject subject, other;
static struct actor unloader, loader;
static struct raceless_slot *slot;

/* Until the loader waits for its turn, or has wrongly begun. */
static void await_loader(void)
{
	/* we wake nobody, so a waiter seen late costs a turn and nothing else */
	while (!waitqueue_active(&slot->changed) && !READ_ONCE(other.inits))
		cond_resched();
}

/* An unload that stands at the step, and a load that waits for it. */
static const char *begin(const char *name, enum step step)
{
	subject_prepare(&subject, name);
	EXPECT(!raceless_register(&subject.provider));
	slot = subject.provider.slot;
	EXPECT(subject_block(&subject, step));
	unloader.subject = &subject;
	EXPECT(actor_start(&unloader, act_unregister));
	EXPECT(subject_stands(&subject, step));
	subject_prepare(&other, name);
	loader.subject = &other;
	EXPECT(actor_start(&loader, act_register));
	await_loader();
	EXPECT(!other.inits);
	return NULL;
}

static const char *waits_at(enum step step)
{
	const char *complaint = begin("selftest_successor", step);

	if (complaint)
		return complaint;
	subject_proceed(&subject, step);
	EXPECT(actor_done(&unloader));
	EXPECT(actor_done(&loader) && !loader.result);
	EXPECT(other.inits == 1);
	EXPECT(subject.destroyed_order < other.init_order);
	raceless_unregister(&other.provider);
	return NULL;
}

static const char *killed_at(enum step step)
{
	const char *complaint = begin("selftest_killed_load", step);

	if (complaint)
		return complaint;
	actor_kill(&loader);
	EXPECT(actor_done(&loader) && loader.result == -EINTR);
	subject_proceed(&subject, step);
	EXPECT(actor_done(&unloader));
	EXPECT(!other.inits && !other.provider.slot);
	return NULL;
}

static const char *at_each_step(const char *(*run)(enum step step))
{
	const char *complaint = NULL;
	enum step step;

	for (step = AT_STOP; step < AFTERWARDS && !complaint; step++)
		complaint = run(step);
	return complaint;
}

static const char *waits(void)
{
	return at_each_step(waits_at);
}

static const char *killed(void)
{
	return at_each_step(killed_at);
}

/* A successor whose init fails: the name is vacant, and the next may have it. */
static const char *fails(void)
{
	const char *complaint = begin("selftest_bad_heir", AT_DESTROY);

	if (complaint)
		return complaint;
	other.init_error = -ENXIO;
	subject_proceed(&subject, AT_DESTROY);
	EXPECT(actor_done(&unloader));
	EXPECT(actor_done(&loader) && loader.result == -ENXIO);
	EXPECT(!other.provider.slot && !other.destroys);
	subject_prepare(&subject, "selftest_bad_heir");
	EXPECT(!raceless_register(&subject.provider));
	raceless_unregister(&subject.provider);
	return NULL;
}

const struct test succession_tests[] = {
	{ "successor_waits_at_each_step", waits },
	{ "successor_is_killed_at_each_step", killed },
	{ "successor_whose_init_fails", fails },
	{},
};
