// SPDX-License-Identifier: GPL-2.0
/* Threads that begin together, each bound to its CPU: one timed region. */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "bench.h"

struct run {
	const struct mechanism *mechanism;
	unsigned long loops;
	atomic_t waiting; /* threads that have yet to arrive */
	atomic_long_t failed;
	struct completion ended;
};

struct runner {
	struct run *run;
	u64 began_ns, ended_ns;
};

/*
 * Arrives, spins until all have, and works. Nothing sleeps in between, so that the
 * threads overlap from the first loop to the last but one end.
 */
static int runner_main(void *data)
{
	struct runner *runner = data;
	struct run *run = runner->run;

	atomic_dec(&run->waiting);
	while (atomic_read(&run->waiting))
		cpu_relax();
	runner->began_ns = ktime_get_ns();
	atomic_long_add(run->mechanism->pairs(run->loops), &run->failed);
	runner->ended_ns = ktime_get_ns();
	/* the module may go once all have: none returns through its text */
	kthread_complete_and_exit(&run->ended, 0);
}

static u64 elapsed(const struct runner *runners, unsigned int nr)
{
	u64 began_ns = runners[0].began_ns, ended_ns = runners[0].ended_ns;
	unsigned int i;

	for (i = 1; i < nr; i++) {
		began_ns = min(began_ns, runners[i].began_ns);
		ended_ns = max(ended_ns, runners[i].ended_ns);
	}
	return ended_ns - began_ns;
}

/* Return: how many threads there are: all or none. */
static int create(struct runner *runners, struct task_struct **tasks,
		  struct run *run, unsigned int threads)
{
	unsigned int nr = 0;
	int cpu;

	for_each_online_cpu(cpu) {
		if (nr == threads)
			break;
		runners[nr].run = run;
		tasks[nr] = kthread_create_on_cpu(runner_main, &runners[nr],
						  cpu, "raceless_bench/%u");
		if (IS_ERR(tasks[nr]))
			break;
		nr++;
	}
	if (nr == threads)
		return nr;
	while (nr)
		kthread_stop(tasks[--nr]);
	return 0;
}

/**
 * bench_run() - time one mechanism.
 * @mechanism: which.
 * @threads: on how many CPUs.
 * @loops: of each thread.
 * @population: for its start.
 * @ns: the time from the first begin to the last end.
 *
 * Context: process; may sleep; one at a time. CPUs must not go offline.
 * Return: 0, -EINVAL (not so many CPUs), -ENOMEM, -EIO (a reference could not be
 * taken, so what was timed is nothing), or what the mechanism's start returned.
 */
long bench_run(const struct mechanism *mechanism, unsigned int threads,
	       unsigned long loops, unsigned int population, u64 *ns)
{
	struct run run = { .mechanism = mechanism, .loops = loops };
	struct task_struct **tasks;
	struct runner *runners;
	unsigned int i;
	long err = -ENOMEM;

	if (!threads || threads > num_online_cpus())
		return -EINVAL;
	runners = kcalloc(threads, sizeof(*runners), GFP_KERNEL);
	tasks = kcalloc(threads, sizeof(struct task_struct *), GFP_KERNEL);
	if (!runners || !tasks)
		goto out;
	err = mechanism->start ? mechanism->start(population) : 0;
	if (err)
		goto out;
	atomic_set(&run.waiting, threads);
	init_completion(&run.ended);
	err = -ENOMEM;
	if (create(runners, tasks, &run, threads)) {
		for (i = 0; i < threads; i++)
			wake_up_process(tasks[i]);
		for (i = 0; i < threads; i++)
			wait_for_completion(&run.ended);
		*ns = elapsed(runners, threads);
		err = atomic_long_read(&run.failed) ? -EIO : 0;
	}
	if (mechanism->stop)
		mechanism->stop();
out:
	kfree(tasks);
	kfree(runners);
	return err;
}
