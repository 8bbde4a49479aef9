// SPDX-License-Identifier: GPL-2.0
/*
 * Who holds references through a descriptor: /proc/raceless_holders, and what the
 * log says of an unload that waits for them.
 *
 * One line for each reference, under a comment that names the columns. A
 * descriptor is known by the process that opened it, whoever has it now. There
 * are no more lines than RACELESS_MAX_REFS_PER_USER for each user. Short
 * references inside the kernel have no owner that is known; /proc/raceless has
 * the number of all.
 *
 * A descriptor is on the list until its close begins, which excludes us by the
 * mutex; until then a reference goes under its xa_lock first.
 */
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "count.h"
#include "device.h"
#include "holder.h"
#include "reference.h"

/* So many of them are named in the log. */
#define MAX_LOGGED 8

static LIST_HEAD(files); /* file->node */
static DEFINE_MUTEX(files_mutex);

void raceless_holders_add(struct raceless_file *file)
{
	file->opener = get_pid(task_tgid(current));
	get_task_comm(file->comm, current->group_leader);
	mutex_lock(&files_mutex);
	list_add_tail(&file->node, &files);
	mutex_unlock(&files_mutex);
}

/* Before the first of its references goes. */
void raceless_holders_remove(struct raceless_file *file)
{
	mutex_lock(&files_mutex);
	list_del(&file->node);
	mutex_unlock(&files_mutex);
	put_pid(file->opener);
}

static unsigned int count(struct raceless_file *file,
			  struct raceless_provider *provider)
{
	struct raceless_reference *reference;
	unsigned int nr = 0;
	unsigned long number;

	xa_lock(&file->references);
	xa_for_each(&file->references, number, reference)
		nr += reference->provider == provider;
	xa_unlock(&file->references);
	return nr;
}

/* Context: process; may sleep. The provider is one that is being torn down. */
void raceless_holders_log(struct raceless_provider *provider)
{
	long in_kernel = raceless_count_read(provider);
	unsigned int nr, logged = 0, unnamed = 0;
	struct raceless_file *file;

	mutex_lock(&files_mutex);
	list_for_each_entry(file, &files, node) {
		nr = count(file, provider);
		in_kernel -= nr;
		if (nr && ++logged > MAX_LOGGED)
			unnamed += nr;
		else if (nr)
			pr_warn("raceless: %s: %u of them through a descriptor of %s[%d]\n",
				provider->name, nr, file->comm,
				pid_nr(file->opener));
	}
	mutex_unlock(&files_mutex);
	if (unnamed)
		pr_warn("raceless: %s: %u of them through more descriptors\n",
			provider->name, unnamed);
	/* counted one after the other: some may have gone meanwhile */
	if (in_kernel > 0)
		pr_warn("raceless: %s: %ld of them inside the kernel\n",
			provider->name, in_kernel);
}

static void *start(struct seq_file *seq, loff_t *pos)
{
	mutex_lock(&files_mutex);
	return seq_list_start_head(&files, *pos);
}

static void *next(struct seq_file *seq, void *value, loff_t *pos)
{
	return seq_list_next(value, &files, pos);
}

static void stop(struct seq_file *seq, void *value)
{
	mutex_unlock(&files_mutex);
}

static int show(struct seq_file *seq, void *value)
{
	struct raceless_reference *reference;
	struct raceless_file *file;
	unsigned long number;

	if (value == &files) {
		seq_puts(seq, "# name instance pid reference calls comm\n");
		return 0;
	}
	file = list_entry(value, struct raceless_file, node);
	xa_lock(&file->references);
	xa_for_each(&file->references, number, reference) {
		seq_printf(seq, "%s %llu %d %lu %u ", reference->slot->name,
			   reference->provider->instance,
			   pid_vnr(file->opener), number, reference->calls);
		if (*file->comm)
			seq_escape_str(seq, file->comm,
				       ESCAPE_NAP | ESCAPE_APPEND | ESCAPE_OCTAL,
				       " \\");
		else
			seq_putc(seq, '-');
		seq_putc(seq, '\n');
	}
	xa_unlock(&file->references);
	return 0;
}

static const struct seq_operations seq_ops = {
	.start = start,
	.next = next,
	.stop = stop,
	.show = show,
};

int raceless_holders_init(void)
{
	return proc_create_seq("raceless_holders", 0400, NULL, &seq_ops) ?
		       0 :
		       -ENOMEM;
}

void raceless_holders_exit(void)
{
	remove_proc_entry("raceless_holders", NULL);
}
