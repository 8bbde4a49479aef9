// SPDX-License-Identifier: GPL-2.0
/*
 * Unloads by name, as a descriptor asks for them: all names of one request are
 * one batch, and one alone is a batch of one.
 *
 * Each name is judged by itself. One that cannot be taken down says why, and the
 * rest go on: a name that was taken down cannot be put back as it was, so that
 * "all or nothing" is not to be had. Whose patience ends is told which ones are
 * not over yet; the worker goes on with them.
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "deadline.h"
#include "device.h"
#include "hold.h"
#include "teardown.h"
#include "unload.h"

static void take_all(struct raceless_file *file, u32 flags,
		     struct raceless_batch *batch,
		     struct raceless_unload_entry *entries,
		     struct raceless_hold **holds, unsigned int nr)
{
	unsigned int i;

	mutex_lock(&file->holds_mutex);
	for (i = 0; i < nr; i++) {
		holds[i] = raceless_hold_take(file, entries[i].name, flags,
					      batch);
		if (!IS_ERR(holds[i]))
			continue;
		entries[i].error = -PTR_ERR(holds[i]);
		holds[i] = NULL;
	}
	raceless_batch_queue(batch);
	mutex_unlock(&file->holds_mutex);
}

/* All of them, so that their order does not matter. */
static void await_all(struct raceless_unload_entry *entries,
		      struct raceless_hold **holds, unsigned int nr,
		      unsigned long timeout)
{
	unsigned long deadline = jiffies + timeout;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (!holds[i])
			continue;
		entries[i].error = -raceless_hold_await(holds[i],
							raceless_time_left(deadline));
	}
}

static void report_all(struct raceless_file *file,
		       struct raceless_unload_entry *entries,
		       struct raceless_hold **holds, unsigned int nr)
{
	unsigned int i;

	mutex_lock(&file->holds_mutex);
	for (i = 0; i < nr; i++)
		if (holds[i])
			raceless_hold_report(holds[i], &entries[i]);
	mutex_unlock(&file->holds_mutex);
}

/* What is an answer does not keep what the caller had there. */
static void clear(struct raceless_unload_entry *entry)
{
	memset((void *)entry + sizeof(entry->name), 0,
	       sizeof(*entry) - sizeof(entry->name));
}

/* Return: 0, and each entry says what became of it; or -errno: none was touched. */
static long unload(struct raceless_file *file, u32 flags, u64 timeout_ns,
		   struct raceless_unload_entry *entries, unsigned int nr)
{
	struct raceless_hold *holds[RACELESS_MAX_HOLDS_PER_FD];
	struct raceless_batch *batch;
	unsigned long timeout;
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++)
		clear(&entries[i]);
	if (!capable(CAP_SYS_MODULE))
		return -EPERM;
	if (flags & ~(RACELESS_UNLOAD_HOLD | RACELESS_UNLOAD_POLITE |
		      RACELESS_UNLOAD_REPLACE))
		return -EINVAL;
	if (flags & RACELESS_UNLOAD_HOLD && flags & RACELESS_UNLOAD_REPLACE)
		return -EINVAL;
	err = raceless_timeout(timeout_ns, &timeout);
	if (err)
		return err;
	batch = raceless_batch_alloc(flags & RACELESS_UNLOAD_POLITE);
	if (IS_ERR(batch))
		return PTR_ERR(batch);
	take_all(file, flags, batch, entries, holds, nr);
	await_all(entries, holds, nr, timeout);
	report_all(file, entries, holds, nr);
	return 0;
}

long raceless_unload(struct raceless_file *file, struct raceless_unload *one)
{
	struct raceless_unload_entry entry;
	long ret;

	memcpy(entry.name, one->name, sizeof(entry.name));
	ret = unload(file, one->flags, one->timeout_ns, &entry, 1);
	one->instance = entry.instance;
	one->stop_ns = entry.stop_ns;
	one->grace_ns = entry.grace_ns;
	one->drain_ns = entry.drain_ns;
	one->destroy_ns = entry.destroy_ns;
	memcpy(one->owner, entry.owner, sizeof(one->owner));
	return ret ?: -(long)entry.error;
}

static int read_entries(const struct raceless_unload_many *many,
			struct raceless_unload_entry *entries)
{
	const void __user *from = u64_to_user_ptr(many->entries);
	unsigned int i;
	int err = 0;

	for (i = 0; i < many->nr && !err; i++)
		err = copy_struct_from_user(&entries[i], sizeof(*entries),
					    from + i * many->entry_bytes,
					    many->entry_bytes);
	return err;
}

static int write_entries(const struct raceless_unload_many *many,
			 const struct raceless_unload_entry *entries)
{
	void __user *to = u64_to_user_ptr(many->entries);
	unsigned int i;

	for (i = 0; i < many->nr; i++)
		if (copy_to_user(to + i * many->entry_bytes, &entries[i],
				 sizeof(*entries)))
			return -EFAULT; /* what was taken goes with the descriptor */
	return 0;
}

long raceless_unload_many(struct raceless_file *file,
			  struct raceless_unload_many *many)
{
	struct raceless_unload_entry *entries;
	long ret;

	if (!many->nr || many->entry_bytes < sizeof(*entries))
		return -EINVAL;
	if (many->nr > RACELESS_MAX_HOLDS_PER_FD)
		return -EMFILE;
	if (many->entry_bytes > PAGE_SIZE)
		return -E2BIG;
	entries = kvcalloc(many->nr, sizeof(*entries), GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;
	ret = read_entries(many, entries);
	if (ret)
		goto out;
	ret = unload(file, many->flags, many->timeout_ns, entries, many->nr);
	if (!ret)
		ret = write_entries(many, entries);
out:
	kvfree(entries);
	return ret;
}
