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
	provider->drain = NULL;
	WRITE_ONCE(provider->destroying, false);
	WRITE_ONCE(provider->mode, RACELESS_COUNTING);
}

/*
 * The last step of whoever took the count to zero. The provider may be gone once it
 * is on the list: the drainer may have been woken for another, and takes what it
 * finds. The drain itself stays until each of its providers has been completed.
 */
static void end_drain(struct raceless_provider *provider)
{
	struct raceless_drain *drain = provider->drain;

	llist_add(&provider->drained, &drain->ended);
	raceless_perturb(RACELESS_POINT_ZEROED);
	complete(&drain->each);
}

/*
 * After the grace period: every section that saw "counting" is over, so the sum
 * is exact. Whoever takes the atomic to zero, this or the last put, ends the drain.
 */
void raceless_count_fold(struct raceless_provider *provider,
			 struct raceless_drain *drain)
{
	long sum = 0;
	int cpu;

	provider->drain = drain; /* the bias keeps all puts from it, till below */
	for_each_possible_cpu(cpu)
		sum += *per_cpu_ptr(provider->count, cpu);
	raceless_perturb(RACELESS_POINT_SUMMED);
	if (!atomic_long_add_return(sum - FOLD_BIAS, &provider->folded))
		end_drain(provider);
}

void raceless_drain_init(struct raceless_drain *drain)
{
	init_llist_head(&drain->ended);
	init_completion(&drain->each);
	drain->next = NULL;
}

/*
 * The next provider that has drained, in the order in which they did; NULL if none
 * does in time. For as often as providers were folded into it, by one task.
 */
struct raceless_provider *raceless_drain_await(struct raceless_drain *drain,
					       unsigned long timeout)
{
	struct llist_node *node;

	if (!wait_for_completion_timeout(&drain->each, timeout))
		return NULL;
	/* each is added before it is completed: there is one for us */
	if (!drain->next)
		drain->next = llist_reverse_order(llist_del_all(&drain->ended));
	node = drain->next;
	drain->next = node->next;
	return llist_entry(node, struct raceless_provider, drained);
}

/* Out of line, for raceless_put(), in its preempt-off section. */
void raceless_put_folded(struct raceless_provider *provider)
{
	/* full barrier: our accesses come before the drainer's */
	if (!atomic_long_dec_return(&provider->folded))
		end_drain(provider);
}
EXPORT_SYMBOL_GPL(raceless_put_folded);

/* Under slot->lock, for show and for messages: exact only when nobody counts. */
long raceless_count_read(struct raceless_provider *provider)
{
	long sum = atomic_long_read(&provider->folded);
	int cpu;

	if (sum < FOLD_BIAS / 2) /* the mode may be set a moment later */
		return sum;
	sum -= FOLD_BIAS;
	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(provider->count, cpu));
	return sum;
}
