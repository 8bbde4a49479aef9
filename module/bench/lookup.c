// SPDX-License-Identifier: GPL-2.0
/* Mechanisms that find what they count by its name. */
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "bench.h"
#include "raceless.h"

/* As many file systems as a small machine has registered. */
#define WALK_LENGTH 24

/* They stay for the next run: it takes long to make many. */
static int names_start(unsigned int population)
{
	if (names_count() == population)
		return 0;
	names_remove();
	return names_add("bench_name", population);
}

/* A different name each time: one that is always the same is always in the cache. */
static unsigned int next_index(unsigned int *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return ((u64)*seed * names_count()) >> 32;
}

static noinline unsigned long name_pairs(unsigned long loops)
{
	unsigned int seed = current->pid;
	struct raceless_provider *taken;
	unsigned long failed = 0;
	const char *name;

	while (loops--) {
		name = names_provider(next_index(&seed))->name;
		taken = raceless_tryget_name(name);
		if (likely(taken))
			raceless_put(taken);
		else
			failed++;
	}
	return failed;
}

/* What file_systems is: names in a list under one lock, and a module each. */
struct entry {
	struct list_head node;
	struct module *owner;
	char name[RACELESS_NAME_SIZE];
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

static int walk_start(unsigned int nr)
{
	struct entry *entry;
	int i;

	for (i = 0; i < WALK_LENGTH; i++) {
		entry = kzalloc(sizeof(*entry), GFP_KERNEL);
		if (!entry) {
			walk_stop();
			return -ENOMEM;
		}
		snprintf(entry->name, sizeof(entry->name), "bench_entry%d", i);
		entry->owner = THIS_MODULE;
		list_add_tail(&entry->node, &entries);
	}
	return 0;
}

/* The last of the list, as a module that was loaded last is. */
static struct module *walk_get(const char *name)
{
	struct module *owner = NULL;
	struct entry *entry;

	read_lock(&entries_lock);
	list_for_each_entry(entry, &entries, node)
		if (!strcmp(entry->name, name)) {
			if (try_module_get(entry->owner))
				owner = entry->owner;
			break;
		}
	read_unlock(&entries_lock);
	return owner;
}

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
	{ "raceless_by_name", names_start, NULL, name_pairs },
	{ "list_walk", walk_start, walk_stop, walk_pairs },
	{ "get_fs_type", NULL, NULL, get_fs_type_pairs },
	{},
};
