// SPDX-License-Identifier: GPL-2.0
/*
 * Schedule perturbation, in test builds alone (PERTURB= of module/build): at the
 * points of perturb.h a task now and then delays, sleeps or changes its CPU, so
 * that others come in between, where they seldom would.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/siphash.h>

#include "perturb.h"

static unsigned int perturb_percent;
module_param(perturb_percent, uint, 0644);
MODULE_PARM_DESC(perturb_percent, "how many of a hundred passes of a point are perturbed");

static ulong perturb_seed;
module_param(perturb_seed, ulong, 0444);
MODULE_PARM_DESC(perturb_seed, "the plan follows from it");

static atomic_t passes[RACELESS_NR_POINTS];

/* Microseconds are powers of two up to these; who spins keeps its CPU from others. */
#define MAX_SPIN_SHIFT 8
#define MAX_SLEEP_SHIFT 13

/* A mask that somebody gives the task meanwhile is lost: this is a test build. */
static void migrate(void)
{
	cpumask_var_t allowed;
	unsigned int other;

	if (!alloc_cpumask_var(&allowed, GFP_KERNEL))
		return;
	cpumask_copy(allowed, &current->cpus_mask);
	other = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());
	if (other < nr_cpu_ids &&
	    !set_cpus_allowed_ptr(current, cpumask_of(other)))
		set_cpus_allowed_ptr(current, allowed);
	free_cpumask_var(allowed);
}

/*
 * What the n-th pass of a point does follows from the seed alone; which task it is
 * that makes it does not.
 * Context: any but NMI, and not in an RCU section that may be preempted. Sleeps
 * where it may.
 */
void raceless_perturb(enum raceless_point point)
{
	unsigned int percent = READ_ONCE(perturb_percent);
	siphash_key_t key = { { perturb_seed, 0 } };
	u64 draw;

	if (!percent)
		return;
	draw = siphash_2u64(point, (u32)atomic_inc_return(&passes[point]), &key);
	if (draw % 100 >= percent)
		return;
	draw /= 100;
	if (!preemptible() || draw % 4 == 0)
		udelay(1U << (draw / 4 % (MAX_SPIN_SHIFT + 1)));
	else if (draw % 4 == 1)
		migrate();
	else
		fsleep(1U << (draw / 4 % (MAX_SLEEP_SHIFT + 1)));
}
EXPORT_SYMBOL_GPL(raceless_perturb);
