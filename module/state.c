// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/raceless: the registry's state as text, for people and for tests.
 *
 * A line a slot, under a comment that names the columns, then the totals. Read
 * it by those names: columns may be added.
 */
#include <linux/proc_fs.h>
#include <linux/rhashtable.h>
#include <linux/seq_file.h>

#include "count.h"
#include "replace.h"
#include "slot.h"
#include "state.h"
#include "stats.h"

static const char *const states[] = {
	[RACELESS_GONE] = "gone",
	[RACELESS_LOADING] = "loading",
	[RACELESS_LIVE] = "live",
	[RACELESS_STOPPING] = "stopping",
	[RACELESS_DRAINING] = "draining",
	[RACELESS_DESTROYING] = "destroying",
};

/* The second instance, if there is one: what replaces the other, or goes. */
static void show_beside(struct seq_file *seq, const struct raceless_beside *beside)
{
	const struct raceless_tenure *tenure;

	if (!beside) {
		seq_puts(seq, " - 0 - 0\n");
		return;
	}
	tenure = &beside->tenure;
	seq_printf(seq, " %s %llu %s %ld\n", states[tenure->state],
		   tenure->instance, tenure->owner[0] ? tenure->owner : "-",
		   raceless_count_read(tenure->provider));
}

static void show_slot(struct seq_file *seq, struct raceless_slot *slot)
{
	long refs = 0;

	/* under the lock a provider that the slot points to stays */
	spin_lock(&slot->lock);
	if (slot->provider)
		refs = raceless_count_read(slot->provider);
	seq_printf(seq,
		   "%s %s %llu %s %ld %u %d %d %llu %llu %llu %llu %llu %llu %llu",
		   slot->name, states[slot->state], slot->instance,
		   slot->owner[0] ? slot->owner : "-", refs, slot->nr_waiters,
		   !!slot->hold, slot->flying, slot->publishes, slot->unloads,
		   slot->init_failures, slot->flights, slot->flight_errors,
		   slot->modprobes, slot->handed_off);
	show_beside(seq, slot->beside);
	spin_unlock(&slot->lock);
}

static void show_columns(struct seq_file *seq)
{
	seq_puts(seq,
		 "# name state instance owner refs waiters held flying publishes unloads init_failures flights flight_errors modprobes handed_off beside_state beside_instance beside_owner beside_refs\n");
}

/* The walk stands still between two reads of one file, and starts anew at 0. */
static void *start(struct seq_file *seq, loff_t *pos) __acquires(RCU)
{
	struct rhashtable_iter *iter = seq->private;

	if (!*pos) {
		raceless_slots_walk_rewind(iter);
		raceless_slots_walk_start(iter);
		return SEQ_START_TOKEN;
	}
	raceless_slots_walk_start(iter);
	return raceless_slots_walk_peek(iter);
}

static void *next(struct seq_file *seq, void *value, loff_t *pos)
{
	++*pos;
	return raceless_slots_walk_next(seq->private);
}

static void stop(struct seq_file *seq, void *value) __releases(RCU)
{
	raceless_slots_walk_stop(seq->private);
}

static int show(struct seq_file *seq, void *value)
{
	if (value == SEQ_START_TOKEN) {
		raceless_stats_show(seq);
		show_columns(seq);
	} else {
		show_slot(seq, value);
	}
	return 0;
}

static const struct seq_operations seq_ops = {
	.start = start,
	.next = next,
	.stop = stop,
	.show = show,
};

static int open(struct inode *inode, struct file *filp)
{
	struct rhashtable_iter *iter =
		__seq_open_private(filp, &seq_ops, sizeof(*iter));

	if (!iter)
		return -ENOMEM;
	raceless_slots_walk_enter(iter);
	return 0;
}

static int release(struct inode *inode, struct file *filp)
{
	struct seq_file *seq = filp->private_data;

	raceless_slots_walk_exit(seq->private);
	return seq_release_private(inode, filp);
}

static const struct proc_ops ops = {
	.proc_open = open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = release,
};

int raceless_state_init(void)
{
	return proc_create("raceless", 0400, NULL, &ops) ? 0 : -ENOMEM;
}

void raceless_state_exit(void)
{
	remove_proc_entry("raceless", NULL);
}
