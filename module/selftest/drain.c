// SPDX-License-Identifier: GPL-2.0
/* The drain: which put ends it, and that nothing else does. */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/smp.h>

#include "count.h"
#include "selftest.h"

/* How long a drainer gets to go wrong when it should do nothing. */
#define TEMPTATION (HZ / 2)
#define CROWD	   3

static struct subject subject;
static struct actor unloader;

/* An unload of an instance with references, which is to be asked where it is. */
static bool start_unload(unsigned int references)
{
	while (references--)
		if (!raceless_tryget(subject.provider.slot))
			return false;
	gate_close(&subject.destroy);
	unloader.subject = &subject;
	return actor_start(&unloader, act_unregister);
}

static bool ends(void)
{
	if (!gate_reached(&subject.destroy))
		return false;
	gate_open(&subject.destroy);
	return actor_done(&unloader) && subject.destroys == 1;
}

/* Each put but the last leaves the drainer asleep. */
static const char *last_put(void)
{
	unsigned int left = CROWD;

	subject_prepare(&subject, "selftest_last_put");
	EXPECT(!raceless_register(&subject.provider));
	EXPECT(start_unload(CROWD));
	EXPECT(news_state(RACELESS_DRAINING));
	while (left--) {
		EXPECT(subject_drains(&subject));
		raceless_put(&subject.provider);
	}
	EXPECT(ends());
	return NULL;
}

/* A put between the mark and the fold takes nothing to zero. */
static const char *put_before_fold(void)
{
	subject_prepare(&subject, "selftest_early_put");
	EXPECT(!raceless_register(&subject.provider));
	gate_close(&subject.stop);
	EXPECT(start_unload(CROWD));
	EXPECT(gate_reached(&subject.stop));
	raceless_put(&subject.provider);
	EXPECT(atomic_long_read(&subject.provider.folded) > 0);
	gate_open(&subject.stop);
	EXPECT(subject_drains(&subject));
	raceless_put(&subject.provider);
	EXPECT(subject_drains(&subject));
	raceless_put(&subject.provider);
	EXPECT(ends());
	return NULL;
}

static bool folded(void)
{
	unsigned long deadline = jiffies + PATIENCE;

	while (atomic_long_read(&subject.provider.folded) != 1) {
		if (time_after(jiffies, deadline))
			return false;
		cond_resched();
	}
	return true;
}

/*
 * raceless_put() with a long pause between its decrement and what it does next: a
 * drainer that looked at the count would free the provider under it.
 */
static const char *slow_last_put(void)
{
	subject_prepare(&subject, "selftest_slow_end");
	EXPECT(!raceless_register(&subject.provider));
	EXPECT(start_unload(1));
	EXPECT(folded());
	EXPECT(!atomic_long_dec_return(&subject.provider.folded));
	EXPECT(!wait_for_completion_timeout(&subject.destroy.reached,
					    TEMPTATION));
	llist_add(&subject.provider.drained, &subject.provider.drain->ended);
	complete(&subject.provider.drain->each);
	EXPECT(ends());
	return NULL;
}

/* While it is live, nobody touches the line that all CPUs would share. */
static const char *shares_nothing(void)
{
	long before;

	subject_prepare(&subject, "selftest_own_line");
	EXPECT(!raceless_register(&subject.provider));
	before = atomic_long_read(&subject.provider.folded);
	EXPECT(raceless_tryget(subject.provider.slot));
	EXPECT(atomic_long_read(&subject.provider.folded) == before);
	raceless_put(&subject.provider);
	EXPECT(atomic_long_read(&subject.provider.folded) == before);
	raceless_unregister(&subject.provider);
	return NULL;
}

static void tryget_here(void *slot)
{
	WARN_ON_ONCE(!raceless_tryget(slot));
}

/* Counted on a CPU that is gone when it comes to the fold. */
static const char *cpu_goes(void)
{
	unsigned int cpu = cpumask_last(cpu_online_mask);
	bool drains;

	if (num_online_cpus() < 2)
		return SKIP("needs a second CPU");
	subject_prepare(&subject, "selftest_lost_cpu");
	EXPECT(!raceless_register(&subject.provider));
	EXPECT(!smp_call_function_single(cpu, tryget_here,
					 subject.provider.slot, 1));
	if (remove_cpu(cpu)) {
		raceless_put(&subject.provider);
		raceless_unregister(&subject.provider);
		return SKIP("needs a CPU that can go");
	}
	drains = start_unload(0) && news_state(RACELESS_DRAINING) &&
		 subject_drains(&subject);
	EXPECT(!add_cpu(cpu));
	EXPECT(drains);
	raceless_put(&subject.provider);
	EXPECT(ends());
	return NULL;
}

const struct test drain_tests[] = {
	{ "slow_last_put_is_awaited", slow_last_put },
	{ "only_the_last_put_ends_the_drain", last_put },
	{ "put_between_mark_and_fold", put_before_fold },
	{ "live_references_share_nothing", shares_nothing },
	{ "count_of_a_cpu_that_goes", cpu_goes },
	{},
};
