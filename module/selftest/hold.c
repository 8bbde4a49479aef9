// SPDX-License-Identifier: GPL-2.0
/*
 * Unloading by name, through a descriptor, with gets that join at each step, and
 * the return of the name when the hold ends.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/ktime.h>

#include "selftest.h"

static struct subject subject;
static struct actor unloader, getter;
static struct file *file;
static struct raceless_slot *slot;

/* An unload by name that stands at the step; @timeout in jiffies, 0: its own. */
static const char *begin_with(const char *name, enum step step, u32 flags,
			      unsigned long timeout)
{
	subject_prepare(&subject, name);
	EXPECT(!raceless_register(&subject.provider));
	slot = subject.provider.slot;
	file = device_open();
	EXPECT(!IS_ERR(file));
	EXPECT(subject_block(&subject, step));
	unloader = (struct actor){
		.subject = &subject,
		.file = file,
		.mm = current->mm,
		.flags = flags,
		.timeout = timeout,
	};
	EXPECT(actor_start(&unloader, act_unload));
	EXPECT(subject_stands(&subject, step));
	if (step == AFTERWARDS)
		EXPECT(actor_done(&unloader) && !unloader.result);
	EXPECT(!raceless_tryget(slot));
	return NULL;
}

static const char *begin(const char *name, enum step step)
{
	return begin_with(name, step, 0, 0);
}

static bool start_get(unsigned long timeout)
{
	getter = (struct actor){ .slot = slot, .timeout = timeout };
	return actor_start(&getter, act_get) && news_joined(1);
}

/* A get that joins at the step has the next instance, once the hold ends. */
static const char *get_at(const char *name, enum step step)
{
	const char *complaint = begin(name, step);
	u64 instance = slot->instance;

	if (complaint)
		return complaint;
	EXPECT(start_get(PATIENCE));
	subject_proceed(&subject, step);
	if (step != AFTERWARDS)
		EXPECT(actor_done(&unloader) && !unloader.result);
	EXPECT(actor_running(&getter) && subject.inits == 1);
	EXPECT(!device_release(file, name));
	EXPECT(actor_done(&getter) && !getter.result);
	EXPECT(getter.provider->instance != instance);
	EXPECT(getter.provider->publish == 2);
	EXPECT(subject.inits == 2 && subject.destroys == 1);
	raceless_put(getter.provider);
	EXPECT(device_close(file));
	raceless_unregister(&subject.provider);
	EXPECT(subject.destroys == 2);
	return NULL;
}

static const char *get_at_stop(void)
{
	return get_at("selftest_get_stop", AT_STOP);
}

static const char *get_at_drain(void)
{
	return get_at("selftest_get_drain", AT_DRAIN);
}

static const char *get_at_destroy(void)
{
	return get_at("selftest_get_destroy", AT_DESTROY);
}

static const char *get_while_held(void)
{
	return get_at("selftest_get_held", AFTERWARDS);
}

/* A get that is killed, or times out, at the step leaves nothing. */
static const char *end_at(const char *name, enum step step, bool kill)
{
	const char *complaint = begin(name, step);

	if (complaint)
		return complaint;
	EXPECT(start_get(kill ? PATIENCE : 1));
	if (kill)
		actor_kill(&getter);
	EXPECT(actor_done(&getter));
	EXPECT(getter.result == (kill ? -EINTR : -ETIMEDOUT));
	EXPECT(!slot->nr_waiters && list_empty(&slot->waiters));
	subject_proceed(&subject, step);
	if (step != AFTERWARDS)
		EXPECT(actor_done(&unloader) && !unloader.result);
	EXPECT(!device_release(file, name));
	EXPECT(subject.inits == 1 && !slot->flying); /* nobody asked */
	EXPECT(device_close(file));
	raceless_unregister(&subject.provider);
	EXPECT(subject.destroys == 1);
	return NULL;
}

static const char *kill_at_each_step(void)
{
	const char *complaint = NULL;
	enum step step;

	for (step = AT_STOP; step <= AFTERWARDS && !complaint; step++)
		complaint = end_at("selftest_kill_step", step, true);
	return complaint;
}

static const char *timeout_at_each_step(void)
{
	const char *complaint = NULL;
	enum step step;

	for (step = AT_STOP; step <= AFTERWARDS && !complaint; step++)
		complaint = end_at("selftest_timeout_step", step, false);
	return complaint;
}

/* The requester dies: the worker goes on, and the name is not dead. */
static const char *owner_dies_at(const char *name, enum step step)
{
	const char *complaint = begin(name, step);

	if (complaint)
		return complaint;
	EXPECT(start_get(PATIENCE));
	actor_kill(&unloader);
	EXPECT(actor_done(&unloader) && unloader.result == -EINTR);
	EXPECT(device_close(file));
	EXPECT(actor_running(&getter));
	subject_proceed(&subject, step);
	EXPECT(actor_done(&getter) && !getter.result);
	EXPECT(subject.inits == 2 && subject.destroys == 1);
	raceless_put(getter.provider);
	raceless_unregister(&subject.provider);
	return NULL;
}

static const char *owner_dies(void)
{
	const char *complaint = NULL;
	enum step step;

	for (step = AT_STOP; step < AFTERWARDS && !complaint; step++)
		complaint = owner_dies_at("selftest_owner_dies", step);
	return complaint;
}

/* The requester's patience ends: the worker goes on, and the hold stays. */
static const char *unloader_times_out_at(enum step step)
{
	const char *complaint = begin_with("selftest_impatient", step, 0, 1);

	if (complaint)
		return complaint;
	EXPECT(actor_done(&unloader) && unloader.result == -ETIMEDOUT);
	EXPECT(start_get(PATIENCE));
	subject_proceed(&subject, step);
	EXPECT(wait_event_timeout(slot->changed,
				  READ_ONCE(slot->state) == RACELESS_GONE,
				  PATIENCE));
	EXPECT(actor_running(&getter) && subject.inits == 1);
	EXPECT(!device_release(file, "selftest_impatient"));
	EXPECT(actor_done(&getter) && !getter.result);
	EXPECT(subject.inits == 2 && subject.destroys == 1);
	raceless_put(getter.provider);
	EXPECT(device_close(file));
	raceless_unregister(&subject.provider);
	return NULL;
}

static const char *unloader_times_out(void)
{
	const char *complaint = NULL;
	enum step step;

	for (step = AT_STOP; step < AFTERWARDS && !complaint; step++)
		complaint = unloader_times_out_at(step);
	return complaint;
}

/* A hold that was to last ends with its descriptor all the same. */
static const char *explicit_holder_dies(void)
{
	const char *complaint = begin_with("selftest_last_will", AFTERWARDS,
					   RACELESS_UNLOAD_HOLD, 0);

	if (complaint)
		return complaint;
	EXPECT(start_get(PATIENCE));
	EXPECT(actor_running(&getter));
	EXPECT(device_close(file));
	EXPECT(actor_done(&getter) && !getter.result);
	EXPECT(subject.inits == 2 && !slot->hold);
	raceless_put(getter.provider);
	raceless_unregister(&subject.provider);
	return NULL;
}

/* The reload in place fails: everyone has its error, and the next may succeed. */
static const char *reload_fails(void)
{
	const char *complaint = begin("selftest_reload_fails", AFTERWARDS);
	struct raceless_provider *provider;

	if (complaint)
		return complaint;
	EXPECT(start_get(PATIENCE));
	subject.init_error = -EIO;
	EXPECT(device_close(file));
	EXPECT(actor_done(&getter) && getter.result == -EIO);
	EXPECT(subject.inits == 2);
	subject.init_error = 0;
	provider = raceless_get(slot, PATIENCE);
	EXPECT(!IS_ERR(provider));
	EXPECT(subject.inits == 3);
	raceless_put(provider);
	raceless_unregister(&subject.provider);
	return NULL;
}

/* unregister, of an instance that an unload by name is already taking down. */
static const char *unregister_joins(void)
{
	const char *complaint = begin("selftest_both", AT_DRAIN);
	struct actor leaver = { .subject = &subject };

	if (complaint)
		return complaint;
	EXPECT(actor_start(&leaver, act_unregister));
	while (!READ_ONCE(slot->leaving))
		cond_resched();
	EXPECT(actor_running(&leaver) && !subject.destroys);
	subject_proceed(&subject, AT_DRAIN);
	EXPECT(actor_done(&leaver));
	EXPECT(actor_done(&unloader) && !unloader.result);
	EXPECT(subject.stops == 1 && subject.destroys == 1);
	/* the module "went": the hold is over by itself */
	EXPECT(device_release(file, "selftest_both") == -ENOENT);
	EXPECT(device_close(file));
	return NULL;
}

static const char *explicit_hold(void)
{
	struct raceless_provider *provider;
	struct file *rival;

	subject_prepare(&subject, "selftest_explicit");
	EXPECT(!raceless_register(&subject.provider));
	file = device_open();
	rival = device_open();
	EXPECT(!IS_ERR(file) && !IS_ERR(rival));
	EXPECT(!device_unload(file, "selftest_explicit",
			      RACELESS_UNLOAD_HOLD, 0));
	EXPECT(device_unload(rival, "selftest_explicit", 0, 0) == -EBUSY);
	EXPECT(device_release(rival, "selftest_explicit") == -ENOENT);
	slot = raceless_slot_get("selftest_explicit");
	raceless_unregister(&subject.provider);
	EXPECT(raceless_register(&subject.provider) == -EBUSY);
	EXPECT(!device_release(file, "selftest_explicit"));
	EXPECT(!raceless_register(&subject.provider));
	provider = raceless_tryget(slot);
	EXPECT(provider);
	raceless_put(provider);
	raceless_unregister(&subject.provider);
	raceless_slot_put(slot);
	EXPECT(device_close(rival));
	EXPECT(device_close(file));
	return NULL;
}

const struct test hold_tests[] = {
	{ "get_during_stop", get_at_stop },
	{ "get_during_drain", get_at_drain },
	{ "get_during_destroy", get_at_destroy },
	{ "get_while_held", get_while_held },
	{ "kill_at_each_step", kill_at_each_step },
	{ "timeout_at_each_step", timeout_at_each_step },
	{ "unloader_dies_at_each_step", owner_dies },
	{ "unloader_times_out_at_each_step", unloader_times_out },
	{ "explicit_holder_dies", explicit_holder_dies },
	{ "reload_that_fails_tells_everyone", reload_fails },
	{ "unregister_joins_an_unload", unregister_joins },
	{ "explicit_hold", explicit_hold },
	{},
};
