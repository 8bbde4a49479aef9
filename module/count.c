// SPDX-License-Identifier: GPL-2.0
/*
 * The count of an instance's references: one word on each CPU while it is live,
 * one biased atomic after the mark. The inline halves are in raceless.h.
 */
#include <linux/kernel.h>

#include "count.h"

/*
 * More than all references there can be, so that no put between the mark and the
 * fold takes the atomic to zero.
 */
#define FOLD_BIAS (LONG_MAX / 2 + 1)

/* Before init: nobody can see the provider. */
void raceless_count_arm(struct raceless_provider *provider)
{
	int cpu;

	for_each_possible_cpu(cpu)
		*per_cpu_ptr(provider->count, cpu) = 0;
	atomic_long_set(&provider->folded, FOLD_BIAS);
	reinit_completion(&provider->drained);
	WRITE_ONCE(provider->destroying, false);
	WRITE_ONCE(provider->mode, RACELESS_COUNTING);
}

/*
 * After the grace period: every section that saw "counting" is over, so the sum
 * is exact. Whoever takes the atomic to zero, this or the last put, completes.
 */
void raceless_count_fold(struct raceless_provider *provider)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += *per_cpu_ptr(provider->count, cpu);
	if (!atomic_long_add_return(sum - FOLD_BIAS, &provider->folded))
		complete(&provider->drained);
}

/* Out of line, for raceless_put(), in its preempt-off section. */
void raceless_put_folded(struct raceless_provider *provider)
{
	/* full barrier: our accesses come before the drainer's */
	if (!atomic_long_dec_return(&provider->folded))
		complete(&provider->drained);
}
EXPORT_SYMBOL_GPL(raceless_put_folded);

/* Under slot->lock, for show and for messages: exact only when nobody counts. */
long raceless_count_read(struct raceless_provider *provider)
{
	long sum = atomic_long_read(&provider->folded);
	int cpu;

	if (READ_ONCE(provider->mode) == RACELESS_FOLDED && sum < FOLD_BIAS / 2)
		return sum;
	sum -= FOLD_BIAS;
	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(provider->count, cpu));
	return sum;
}
