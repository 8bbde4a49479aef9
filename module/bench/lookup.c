// SPDX-License-Identifier: GPL-2.0
/* Mechanisms that find what they count by its name. */
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "bench.h"
#include "raceless.h"

/*
 * What is asked for: names in an order of their own, one behind the other, as if
 * they came in requests. So the question is in the cache, and the answer is
 * wherever the registry has it. All threads ask the same, each from elsewhere on.
 */
static char (*questions)[BENCH_NAME_SIZE];
static unsigned int nr_questions;

static void questions_stop(void)
{
	kvfree(questions);
	questions = NULL;
}

static void shuffle(void)
{
	char swap[BENCH_NAME_SIZE];
	u32 seed = 1, i, j;

	for (i = nr_questions - 1; i > 0; i--) {
		seed = seed * 1664525 + 1013904223;
		j = ((u64)seed * (i + 1)) >> 32;
		memcpy(swap, questions[i], sizeof(swap));
		memcpy(questions[i], questions[j], sizeof(swap));
		memcpy(questions[j], swap, sizeof(swap));
	}
}

/* So many names are there, and so many of them are asked for. */
static int questions_start(unsigned int population, unsigned int nr)
{
	int err = names_want(population);
	unsigned int i;

	if (err)
		return err;
	questions = kvcalloc(nr, sizeof(*questions), GFP_KERNEL);
	if (!questions)
		return -ENOMEM;
	nr_questions = nr;
	/* those asked for lie far apart, as they were registered */
	for (i = 0; i < nr; i++)
		memcpy(questions[i], names_text(i * (population / nr)),
		       sizeof(*questions));
	shuffle();
	return 0;
}

static int all_start(unsigned int population)
{
	return questions_start(population, population);
}

static int ten_start(unsigned int population)
{
	return questions_start(population, min(population, 10U));
}

static noinline unsigned long name_pairs(unsigned long loops)
{
	unsigned int i = (u64)hash_32(current->pid, 32) * nr_questions >> 32;
	struct raceless_provider *taken;
	unsigned long failed = 0;

	while (loops--) {
		taken = raceless_tryget_name(questions[i]);
		if (likely(taken))
			raceless_put(taken);
		else
			failed++;
		if (++i == nr_questions)
			i = 0;
	}
	return failed;
}

/* What asking costs alone; and what the hash adds, and finding nothing by it. */
static noinline unsigned long ask_pairs(unsigned long loops)
{
	unsigned int i = 0;

	while (loops--) {
		OPTIMIZER_HIDE_VAR(i);
		READ_ONCE(*questions[i]);
		if (++i == nr_questions)
			i = 0;
	}
	return 0;
}

static noinline unsigned long absent_pairs(unsigned long loops)
{
	unsigned long failed = 0;

	while (loops--)
		if (unlikely(raceless_tryget_name("bench_nothing_0")))
			failed++;
	return failed;
}

/*
 * What file_systems is: names in a list under one lock, and a module each. The
 * names are those that a Debian kernel registers, in that order, as how much of a
 * name is compared before the next depends on them.
 */
static const char *const entry_names[] = {
	"sysfs",     "tmpfs",	"bdev",	     "proc",
	"cgroup",    "cgroup2", "cpuset",    "devtmpfs",
	"debugfs",   "tracefs", "securityfs", "sockfs",
	"bpf",	     "pipefs",	"ramfs",     "hugetlbfs",
	"devpts",    "mqueue",	"pstore",    "autofs",
	"configfs",  "ext3",	"ext2",	     "ext4",
};

struct entry {
	struct list_head node;
	struct module *owner;
	const char *name;
};

static LIST_HEAD(entries);
static DEFINE_RWLOCK(entries_lock);

static void walk_stop(void)
{
	struct entry *entry, *next;

	list_for_each_entry_safe(entry, next, &entries, node) {
		list_del(&entry->node);
		kfree(entry);
	}
}

static int walk_start(unsigned int population)
{
	struct entry *entry;
	int i;

	for (i = 0; i < ARRAY_SIZE(entry_names); i++) {
		entry = kzalloc(sizeof(*entry), GFP_KERNEL);
		if (!entry) {
			walk_stop();
			return -ENOMEM;
		}
		entry->name = entry_names[i];
		entry->owner = THIS_MODULE;
		list_add_tail(&entry->node, &entries);
	}
	return 0;
}

/* As get_fs_type() and find_filesystem() do it. */
static noinline struct module *walk_get(const char *name)
{
	size_t length = strlen(name);
	struct module *owner = NULL;
	struct entry *entry;

	read_lock(&entries_lock);
	list_for_each_entry(entry, &entries, node)
		if (!strncmp(entry->name, name, length) &&
		    !entry->name[length]) {
			if (try_module_get(entry->owner))
				owner = entry->owner;
			break;
		}
	read_unlock(&entries_lock);
	return owner;
}

/* The last of the list, as a module that was loaded last is. */
static noinline unsigned long walk_pairs(unsigned long loops)
{
	const char *name = list_last_entry(&entries, struct entry, node)->name;
	unsigned long failed = 0;
	struct module *owner;

	while (loops--) {
		owner = walk_get(name);
		if (likely(owner))
			module_put(owner);
		else
			failed++;
	}
	return failed;
}

static noinline unsigned long get_fs_type_pairs(unsigned long loops)
{
	struct file_system_type *type;
	unsigned long failed = 0;

	while (loops--) {
		type = get_fs_type("bpf");
		if (likely(type))
			module_put(type->owner);
		else
			failed++;
	}
	return failed;
}

const struct mechanism lookup_mechanisms[] = {
	{ "raceless_by_name", all_start, questions_stop, name_pairs },
	{ "raceless_by_name_of_ten", ten_start, questions_stop, name_pairs },
	{ "raceless_ask", ten_start, questions_stop, ask_pairs },
	{ "raceless_absent", NULL, NULL, absent_pairs },
	{ "list_walk", walk_start, walk_stop, walk_pairs },
	{ "get_fs_type", NULL, NULL, get_fs_type_pairs },
	{},
};
