// SPDX-License-Identifier: GPL-2.0
/*
 * Two who want the slot's lock at once, in the order that hurts: one holds it
 * until the other has come to it.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "selftest.h"
#include "trace.h"

/* The longest that we spin for somebody, preemption off. */
#define SPIN_NS (5 * NSEC_PER_SEC)
/* How long somebody who runs needs to come to the lock, with room to spare. */
#define APPROACH_NS (30 * NSEC_PER_MSEC)
/* How long memory that should stay gets to go. */
#define TEMPTATION_NS (100 * NSEC_PER_MSEC)

static struct subject subject;
static struct raceless_slot *slot;
static struct actor rival;
static unsigned int rivals_cpu;
static struct completion arrived;
static bool go;

/* On a CPU where we do not spin; begins when told. */
static void await_start(void)
{
	set_cpus_allowed_ptr(current, cpumask_of(rivals_cpu));
	complete(&arrived);
	while (!READ_ONCE(go))
		cond_resched();
}

static long act_get_there(struct actor *actor)
{
	await_start();
	return act_get(actor);
}

static long act_put_slot_there(struct actor *actor)
{
	await_start();
	raceless_slot_put(actor->slot);
	return 0;
}

/* Stays on its CPU from now on; the rival is ready on another one. */
static bool prepare_rival(long (*act)(struct actor *actor),
			  unsigned long timeout)
{
	migrate_disable();
	rivals_cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());
	WRITE_ONCE(go, false);
	init_completion(&arrived);
	rival = (struct actor){ .slot = slot, .timeout = timeout };
	if (actor_start(&rival, act) &&
	    wait_for_completion_timeout(&arrived, PATIENCE))
		return true;
	migrate_enable();
	return false;
}

/*
 * With the lock held: until the rival runs, and then for as long as it may need
 * to come to the lock. (Under a hypervisor the lock itself does not tell.)
 */
static bool contended(void)
{
	u64 end_ns = ktime_get_ns() + SPIN_NS;

	while (!READ_ONCE(rival.task->on_cpu)) {
		if (ktime_get_ns() > end_ns)
			return false;
		cpu_relax();
	}
	end_ns = ktime_get_ns() + APPROACH_NS;
	while (ktime_get_ns() < end_ns)
		cpu_relax();
	return true;
}

/*
 * A get found nothing, and waits for the lock, to join. The publish comes
 * first. It looks again under the lock, or it would wait for the next one.
 */
static const char *publish_before_join(void)
{
	bool met;

	if (num_online_cpus() < 2)
		return SKIP("needs a second CPU");
	subject_prepare(&subject, "selftest_late_join");
	EXPECT(!raceless_register(&subject.provider));
	slot = subject.provider.slot;
	EXPECT(prepare_rival(act_get_there, 2 * HZ));
	spin_lock(&slot->lock);
	RCU_INIT_POINTER(slot->live, NULL);
	WRITE_ONCE(go, true);
	met = contended();
	rcu_assign_pointer(slot->live, &subject.provider);
	spin_unlock(&slot->lock);
	migrate_enable();
	EXPECT(met);
	EXPECT(actor_done(&rival) && !rival.result);
	raceless_put(rival.provider);
	raceless_unregister(&subject.provider);
	return NULL;
}

static bool killed_in_time;

/* In publish(), under the lock: references are handed off, nobody is woken. */
static void on_publish(void *data, const char *name, u64 instance, u64 publish,
		       u32 handed_off)
{
	if (strcmp(name, "selftest_dead_heir") != 0)
		return;
	actor_kill(&rival);
	killed_in_time = handed_off == 1 && contended();
}

static int start_getter(struct subject *self)
{
	if (!prepare_rival(act_get_there, PATIENCE))
		return -EPROTO;
	WRITE_ONCE(go, true);
	return news_joined(1) ? 0 : -EPROTO;
}

/* Killed between hand-off and wake-up: it has the reference, and says so. */
static const char *kill_at_hand_off(void)
{
	int err;

	if (num_online_cpus() < 2)
		return SKIP("needs a second CPU");
	slot = raceless_slot_get("selftest_dead_heir");
	EXPECT(!IS_ERR(slot));
	subject_prepare(&subject, "selftest_dead_heir");
	subject.in_init = start_getter;
	killed_in_time = false;
	EXPECT(!register_trace_raceless_publish(on_publish, NULL));
	err = raceless_register(&subject.provider);
	unregister_trace_raceless_publish(on_publish, NULL);
	tracepoint_synchronize_unregister();
	EXPECT(!err && killed_in_time);
	migrate_enable();
	EXPECT(actor_done(&rival) && !rival.result);
	EXPECT(rival.provider == &subject.provider);
	raceless_put(rival.provider);
	raceless_unregister(&subject.provider);
	raceless_slot_put(slot);
	return NULL;
}

/* A slot that somebody found under RCU stays there for him. */
static const char *slot_outlives_lookup(void)
{
	static const char name[] = "selftest_lookup";
	bool intact = true;
	u64 end_ns;

	slot = raceless_slot_get(name);
	EXPECT(!IS_ERR(slot));
	if (num_online_cpus() < 2) {
		raceless_slot_put(slot);
		return SKIP("needs a second CPU");
	}
	EXPECT(prepare_rival(act_put_slot_there, 0));
	preempt_disable();
	WRITE_ONCE(go, true);
	/* the last put; then, if it did not wait for us, poison */
	end_ns = ktime_get_ns() + SPIN_NS;
	while (refcount_read(&slot->refs) && ktime_get_ns() < end_ns)
		cpu_relax();
	end_ns = ktime_get_ns() + TEMPTATION_NS;
	while (intact && ktime_get_ns() < end_ns)
		intact = !strcmp(slot->name, name);
	preempt_enable();
	migrate_enable();
	EXPECT(intact);
	EXPECT(actor_done(&rival));
	return NULL;
}

const struct test contention_tests[] = {
	{ "publish_before_a_get_joins", publish_before_join },
	{ "killed_between_hand_off_and_wake_up", kill_at_hand_off },
	{ "slot_outlives_a_lookup", slot_outlives_lookup },
	{},
};
