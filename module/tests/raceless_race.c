// SPDX-License-Identifier: GPL-2.0
/*
 * race: a module for tests only, with a bug that needs two threads and the
 * right moment. A reader tests a pointer and then follows it; a writer takes
 * it away in between, and nothing orders the two. On one CPU it takes a
 * preemption between the test and the use, which comes after some seconds: the
 * kernel then follows NULL. The testbed's replay must show the same death, at
 * the same instruction, each time.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

static struct task_struct *reader;
static struct task_struct *writer;

static unsigned long value = 1;
static unsigned long *shared = &value;
static unsigned long sum;

/* Volatile accesses: the compiler must leave the bug in place. */
static noinline void read_shared(void)
{
	if (READ_ONCE(shared))
		sum += READ_ONCE(*READ_ONCE(shared));
}

static int read_on(void *unused)
{
	while (!kthread_should_stop()) {
		read_shared();
		cond_resched();
	}
	return 0;
}

static int write_on(void *unused)
{
	while (!kthread_should_stop()) {
		WRITE_ONCE(shared, NULL);
		WRITE_ONCE(shared, &value);
		cond_resched();
	}
	return 0;
}

static int __init race_init(void)
{
	reader = kthread_run(read_on, NULL, "race_reader");
	if (IS_ERR(reader))
		return PTR_ERR(reader);
	writer = kthread_run(write_on, NULL, "race_writer");
	if (IS_ERR(writer)) {
		kthread_stop(reader);
		return PTR_ERR(writer);
	}
	return 0;
}

static void __exit race_exit(void)
{
	kthread_stop(writer);
	kthread_stop(reader);
}

module_init(race_init);
module_exit(race_exit);

MODULE_DESCRIPTION("a deliberate race, for tests of the testbed");
MODULE_LICENSE("GPL");
