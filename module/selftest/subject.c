// SPDX-License-Identifier: GPL-2.0
/* Subjects: providers that stop at gates and remember what was done to them. */
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/swait.h>

#include "count.h"
#include "selftest.h"

static atomic_long_t order;

/* A number that grows with each call: what came before what. */
unsigned long order_now(void)
{
	return atomic_long_inc_return(&order);
}

/* The next to pass stops at it. */
void gate_close(struct gate *gate)
{
	init_completion(&gate->reached);
	init_completion(&gate->opened);
	gate->closed = true;
}

/* Waits until somebody stands at it. */
bool gate_reached(struct gate *gate)
{
	return wait_for_completion_timeout(&gate->reached, PATIENCE);
}

void gate_open(struct gate *gate)
{
	gate->closed = false;
	complete_all(&gate->opened);
}

/* Stops here while the gate is closed. */
void gate_pass(struct gate *gate)
{
	if (!gate->closed)
		return;
	complete(&gate->reached);
	wait_for_completion(&gate->opened);
}

static struct subject *to_subject(struct raceless_provider *provider)
{
	return container_of(provider, struct subject, provider);
}

static int subject_init(struct raceless_provider *provider)
{
	struct subject *subject = to_subject(provider);

	subject->inits++;
	subject->init_order = order_now();
	gate_pass(&subject->init);
	if (subject->in_init)
		return subject->in_init(subject);
	return subject->init_error;
}

static void subject_stop(struct raceless_provider *provider)
{
	struct subject *subject = to_subject(provider);

	subject->stops++;
	gate_pass(&subject->stop);
	if (subject->in_stop)
		subject->in_stop(subject);
}

static void subject_destroy(struct raceless_provider *provider)
{
	struct subject *subject = to_subject(provider);

	subject->destroys++;
	gate_pass(&subject->destroy);
	if (subject->in_destroy)
		subject->in_destroy(subject);
	subject->destroyed_order = order_now();
}

static const struct raceless_ops ops = {
	.init = subject_init,
	.stop = subject_stop,
	.destroy = subject_destroy,
};

/* All gates open, nothing done yet. */
void subject_prepare(struct subject *subject, const char *name)
{
	memset(subject, 0, sizeof(*subject));
	subject->provider.name = name;
	subject->provider.ops = &ops;
	news_expect(name);
}

/* The next unload of the subject, which is registered, is to stand at the step. */
bool subject_block(struct subject *subject, enum step step)
{
	if (step == AT_STOP)
		gate_close(&subject->stop);
	if (step == AT_DRAIN)
		subject->held = raceless_tryget(subject->provider.slot);
	if (step == AT_DESTROY)
		gate_close(&subject->destroy);
	return step != AT_DRAIN || subject->held;
}

/* Waits until it does. */
bool subject_stands(struct subject *subject, enum step step)
{
	if (step == AT_STOP)
		return gate_reached(&subject->stop);
	if (step == AT_DRAIN)
		return news_state(RACELESS_DRAINING);
	if (step == AT_DESTROY)
		return gate_reached(&subject->destroy);
	return true;
}

/*
 * Waits until whoever unloads the subject sleeps for its last put, or stands at the
 * gate of destroy, which must be closed: the drain is on its stack. To complete the
 * drain takes a sleeper off the queue at once, so that one which was woken wrongly
 * is never taken for one that still sleeps.
 */
bool subject_drains(struct subject *subject)
{
	unsigned long deadline = jiffies + PATIENCE;

	while (time_before(jiffies, deadline)) {
		struct raceless_drain *drain =
			READ_ONCE(subject->provider.drain);

		if (drain && swait_active(&drain->each.wait))
			return true;
		if (completion_done(&subject->destroy.reached))
			return false;
		cond_resched();
	}
	return false;
}

void subject_proceed(struct subject *subject, enum step step)
{
	if (step == AT_STOP)
		gate_open(&subject->stop);
	if (step == AT_DRAIN)
		raceless_put(subject->held);
	if (step == AT_DESTROY)
		gate_open(&subject->destroy);
}
