// SPDX-License-Identifier: GPL-2.0
/* The count: sections that straddle the mark, CPUs, contexts. */
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/smp.h>

#include "selftest.h"

/* How long a section is stretched at each step of the unload that it is to see. */
#define STRETCH_NS (30 * NSEC_PER_MSEC)

/* Within this the unload has begun: it has the other CPU for itself. */
#define BEGIN_NS (8 * NSEC_PER_SEC)

static struct subject subject;
static struct actor reader, unloader;
static struct completion inside;

/*
 * Spins, preemption off, until the unload must be in the grace period that waits for
 * us, and for long enough to believe that it waits. If it does not wait, then until
 * it has read the count, which is a moment after it has said that it drains.
 */
static long stretch(struct raceless_slot *slot)
{
	enum raceless_state state, seen = RACELESS_LIVE;
	u64 now_ns = ktime_get_ns();
	u64 end_ns = now_ns + BEGIN_NS;

	complete(&inside);
	while (now_ns < end_ns) {
		state = READ_ONCE(slot->state);
		now_ns = ktime_get_ns();
		if (state != seen)
			end_ns = now_ns + STRETCH_NS;
		seen = state;
		cpu_relax();
	}
	return seen == RACELESS_LIVE ? -ETIME : 0;
}

/* raceless_tryget() with a long pause between its test and its count. */
static long act_slow_tryget(struct actor *actor)
{
	long err;

	preempt_disable();
	actor->provider = rcu_dereference_sched(actor->slot->live);
	err = stretch(actor->slot);
	if (actor->provider)
		this_cpu_inc(*actor->provider->count);
	preempt_enable();
	return err;
}

/* raceless_put() with such a pause. */
static long act_slow_put(struct actor *actor)
{
	bool counting;
	long err;

	preempt_disable();
	counting = READ_ONCE(actor->provider->mode) == RACELESS_COUNTING;
	err = stretch(actor->slot);
	if (counting)
		this_cpu_dec(*actor->provider->count);
	preempt_enable();
	return counting ? err : -EPROTO;
}

static const char *slow_tryget(void)
{
	if (num_online_cpus() < 2)
		return SKIP("needs two CPUs: one spins, the other unloads");
	subject_prepare(&subject, "selftest_slow_tryget");
	EXPECT(!raceless_register(&subject.provider));
	init_completion(&inside);
	reader.slot = subject.provider.slot;
	unloader.subject = &subject;
	EXPECT(actor_start(&reader, act_slow_tryget));
	EXPECT(wait_for_completion_timeout(&inside, PATIENCE));
	gate_close(&subject.destroy);
	EXPECT(actor_start(&unloader, act_unregister));
	EXPECT(actor_done(&reader));
	EXPECT(!reader.result);
	EXPECT(reader.provider == &subject.provider);
	EXPECT(news_state(RACELESS_DRAINING));
	EXPECT(subject_drains(&subject));
	raceless_put(reader.provider);
	gate_open(&subject.destroy);
	EXPECT(actor_done(&unloader));
	EXPECT(subject.destroys == 1);
	return NULL;
}

static const char *slow_put(void)
{
	if (num_online_cpus() < 2)
		return SKIP("needs two CPUs: one spins, the other unloads");
	subject_prepare(&subject, "selftest_slow_put");
	EXPECT(!raceless_register(&subject.provider));
	init_completion(&inside);
	reader.slot = subject.provider.slot;
	reader.provider = raceless_tryget(reader.slot);
	EXPECT(reader.provider);
	unloader.subject = &subject;
	EXPECT(actor_start(&reader, act_slow_put));
	EXPECT(wait_for_completion_timeout(&inside, PATIENCE));
	EXPECT(actor_start(&unloader, act_unregister));
	EXPECT(actor_done(&reader));
	EXPECT(!reader.result);
	EXPECT(actor_done(&unloader));
	EXPECT(subject.destroys == 1);
	return NULL;
}

static void tryget_here(void *slot)
{
	struct raceless_provider *provider = raceless_tryget(slot);

	WARN_ON_ONCE(!provider);
}

static void put_here(void *provider)
{
	raceless_put(provider);
}

/* Taken on each CPU, in hard interrupt context, and all dropped on this one. */
static const char *across_cpus(void)
{
	struct raceless_slot *slot;
	unsigned int taken = 0;
	int cpu;

	subject_prepare(&subject, "selftest_across_cpus");
	EXPECT(!raceless_register(&subject.provider));
	slot = subject.provider.slot;
	for_each_online_cpu(cpu) {
		EXPECT(!smp_call_function_single(cpu, tryget_here, slot, 1));
		taken++;
	}
	unloader.subject = &subject;
	gate_close(&subject.destroy);
	EXPECT(actor_start(&unloader, act_unregister));
	EXPECT(news_state(RACELESS_DRAINING));
	while (--taken) {
		raceless_put(&subject.provider);
		EXPECT(subject_drains(&subject));
	}
	/* the last put, in hard interrupt context: it completes the drain */
	EXPECT(!smp_call_function_single(cpumask_last(cpu_online_mask),
					 put_here, &subject.provider, 1));
	gate_open(&subject.destroy);
	EXPECT(actor_done(&unloader));
	EXPECT(subject.destroys == 1);
	return NULL;
}

const struct test count_tests[] = {
	{ "slow_tryget_is_awaited", slow_tryget },
	{ "slow_put_is_awaited", slow_put },
	{ "count_across_cpus", across_cpus },
	{},
};
