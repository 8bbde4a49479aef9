// SPDX-License-Identifier: GPL-2.0
/*
 * Crowds: many who sleep until one thing happens, and how long it takes from there
 * until the last of them runs. One crowd waits for a publish, the other on a bare
 * wait queue.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched/task.h>
#include <linux/wait.h>

#include "bench.h"
#include "raceless.h"

struct sleeper {
	struct task_struct *task;
	u64 woke_ns; /* 0: it did not get what it waited for */
};

static struct sleeper *sleepers;
static unsigned int nr_sleepers;
static void (*do_sleep)(struct sleeper *sleeper);
static atomic_t arrived;
static atomic_t asleep; /* who has yet to wake */
static DECLARE_COMPLETION(all_awake);

static int sleeper_main(void *data)
{
	atomic_inc(&arrived);
	do_sleep(data);
	if (atomic_dec_and_test(&asleep))
		complete(&all_awake);
	return 0;
}

/* Until each of them has arrived and has gone to sleep. */
static void await_asleep(void)
{
	unsigned int i;

	while (atomic_read(&arrived) < nr_sleepers)
		usleep_range(1000, 2000);
	for (i = 0; i < nr_sleepers; i++)
		while (task_is_running(sleepers[i].task))
			usleep_range(1000, 2000);
}

static void crowd_end(void)
{
	while (nr_sleepers) {
		nr_sleepers--;
		kthread_stop(sleepers[nr_sleepers].task);
		put_task_struct(sleepers[nr_sleepers].task);
	}
	kvfree(sleepers);
	sleepers = NULL;
}

/* Return: 0: all sleep; or -errno: so many as there are will, crowd_end() waits. */
static int crowd_begin(void (*how)(struct sleeper *sleeper), unsigned int nr)
{
	struct task_struct *task;

	if (nr > RACELESS_MAX_WAITERS)
		return -EINVAL;
	sleepers = kvcalloc(nr, sizeof(*sleepers), GFP_KERNEL);
	if (!sleepers)
		return -ENOMEM;
	do_sleep = how;
	atomic_set(&arrived, 0);
	atomic_set(&asleep, nr);
	reinit_completion(&all_awake);
	while (nr_sleepers < nr) {
		task = kthread_create(sleeper_main, &sleepers[nr_sleepers],
				      "raceless_crowd/%u", nr_sleepers);
		if (IS_ERR(task))
			return PTR_ERR(task);
		sleepers[nr_sleepers].task = get_task_struct(task);
		nr_sleepers++;
		wake_up_process(task);
	}
	await_asleep();
	return 0;
}

/* Return: ns from @began_ns until the last one ran, or 0 if one failed. */
static u64 crowd_time(const u64 *began_ns)
{
	u64 last_ns = 0;
	unsigned int i;

	wait_for_completion(&all_awake);
	for (i = 0; i < nr_sleepers; i++) {
		if (!sleepers[i].woke_ns)
			return 0;
		last_ns = max(last_ns, sleepers[i].woke_ns);
	}
	return last_ns - *began_ns;
}

static DECLARE_WAIT_QUEUE_HEAD(queue);
static bool queue_open;

static void queue_sleep(struct sleeper *sleeper)
{
	if (!wait_event_killable(queue, READ_ONCE(queue_open)))
		sleeper->woke_ns = ktime_get_ns();
}

static u64 queue_wait(unsigned int batch)
{
	u64 began_ns = ktime_get_ns();

	WRITE_ONCE(queue_open, true);
	wake_up_all(&queue);
	return crowd_time(&began_ns);
}

static void queue_finish(unsigned int batch)
{
	WRITE_ONCE(queue_open, true);
	wake_up_all(&queue);
	crowd_end();
}

static int queue_prepare(unsigned int batch)
{
	int err;

	WRITE_ONCE(queue_open, false);
	err = crowd_begin(queue_sleep, batch);
	if (err)
		queue_finish(batch);
	return err;
}

/* The crowd joins while the provider is in its init, which ends when they sleep. */
static struct raceless_slot *slot;
static struct task_struct *loader;
static DECLARE_COMPLETION(in_init);
static DECLARE_COMPLETION(go_on);
static u64 publish_ns;

static int slow_init(struct raceless_provider *provider)
{
	complete(&in_init);
	wait_for_completion(&go_on);
	publish_ns = ktime_get_ns();
	return 0;
}

static const struct raceless_ops ops = { .init = slow_init };

static struct raceless_provider provider = {
	.name = "bench_crowd",
	.ops = &ops,
};

static int loader_main(void *data)
{
	int err = raceless_register(&provider);

	if (err)
		complete(&in_init);
	return err;
}

static void publish_sleep(struct sleeper *sleeper)
{
	struct raceless_provider *taken;

	taken = raceless_get(slot, MAX_SCHEDULE_TIMEOUT);
	if (IS_ERR(taken))
		return;
	sleeper->woke_ns = ktime_get_ns();
	raceless_put(taken);
}

static u64 publish_wait(unsigned int batch)
{
	complete(&go_on);
	return crowd_time(&publish_ns);
}

static void publish_finish(unsigned int batch)
{
	complete(&go_on);
	/* its result: did it register? */
	if (!kthread_stop(loader))
		raceless_unregister(&provider);
	put_task_struct(loader);
	crowd_end();
	raceless_slot_put(slot);
}

static int publish_prepare(unsigned int batch)
{
	int err;

	slot = raceless_slot_get(provider.name);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	reinit_completion(&in_init);
	reinit_completion(&go_on);
	loader = kthread_create(loader_main, NULL, "raceless_bench");
	if (IS_ERR(loader)) {
		raceless_slot_put(slot);
		return PTR_ERR(loader);
	}
	get_task_struct(loader);
	wake_up_process(loader);
	wait_for_completion(&in_init);
	err = crowd_begin(publish_sleep, batch);
	if (err)
		publish_finish(batch);
	return err;
}

const struct slow crowd_waits[] = {
	{ "crowd_publish", publish_prepare, publish_wait, publish_finish },
	{ "crowd_wait_queue", queue_prepare, queue_wait, queue_finish },
	{},
};
