// SPDX-License-Identifier: GPL-2.0
/*
 * Modules: which are being deleted now, and which were.
 *
 * Deleted means by delete_module. A module whose init failed is going, too, but
 * that is no reason to try again: each who waited for it would then load it
 * anew, one after the other, and fail as slowly (the kernel's commit
 * 0254127ab977). The two are told apart by the base reference, which delete_module
 * drops at its point of no return and a failed init does not.
 *
 * The list of modules is walked under RCU, from our own entry, as in ../owner.c.
 */
#include <linux/fdtable.h>
#include <linux/ktime.h>
#include <linux/notifier.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "compat.h"
#include "gate.h"

/* modprobe.d may run shells between the helper and the modprobe that loads. */
#define MAX_GENERATIONS 8

/*
 * What is known by name. Names come from modules that were loaded, and from who may
 * delete modules: few.
 */
struct known {
	char name[RACELESS_GATE_NAME_SIZE];
	u64 deleted_ns; /* the last time that its exit had run */
	u64 counts[GATE_NR_COUNTS];
};

/* The last one is for those that have no place. */
static struct known known[RACELESS_GATE_MAX_MODULES + 1];
static unsigned int nr_known;
static u64 last_deleted_ns; /* of any module */
static DEFINE_SPINLOCK(known_lock); /* for these three; inside of any other */

/* Woken when a module has gone or has come to life; calls wait here. */
DECLARE_WAIT_QUEUE_HEAD(raceless_gate_modules_changed);

/* Finds or makes; the place of the others if there is none left. */
static struct known *know(const char *name)
{
	unsigned int i;

	lockdep_assert_held(&known_lock);
	for (i = 0; i < nr_known; i++)
		if (!strcmp(known[i].name, name))
			return &known[i];
	if (nr_known == RACELESS_GATE_MAX_MODULES) {
		strscpy(known[nr_known].name, "other",
			sizeof(known[nr_known].name));
		return &known[nr_known];
	}
	strscpy(known[nr_known].name, name, sizeof(known[nr_known].name));
	return &known[nr_known++];
}

/*
 * A module that is being deleted. Its base reference is gone: LIVE, it stands
 * between dropping that and changing the state, or is putting it back; UNFORMED,
 * it is being freed. One that is on its way in has no count either, while it is
 * unformed, but no kobject yet.
 */
static bool is_dying(struct module *module, const void *unused)
{
	return READ_ONCE(module->state) != MODULE_STATE_COMING &&
	       module->mkobj.kobj.state_initialized &&
	       module_refcount(module) < 0;
}

static bool is_unformed(struct module *module, const void *unused)
{
	return READ_ONCE(module->state) == MODULE_STATE_UNFORMED;
}

/* Does it hold for a module of that name, or for any if that is empty? */
static bool any_module(const char *name,
		       bool (*holds)(struct module *module, const void *data),
		       const void *data)
{
	struct module *module;
	bool found = false;

	rcu_read_lock();
	list_for_each_entry_rcu(module, &THIS_MODULE->list, list) {
		/* the list's head is no module, and not in module memory */
		if (!raceless_in_module_memory(module))
			continue;
		if (name[0] && strcmp(module->name, name))
			continue;
		found = holds(module, data);
		if (found || name[0])
			break;
	}
	rcu_read_unlock();
	return found;
}

/* Would a get of it, or a load, fail now? */
bool raceless_gate_module_busy(const char *name)
{
	return any_module(name, is_dying, NULL) || any_module(name, is_unformed, NULL);
}

/* Is it being deleted? */
bool raceless_gate_module_dying(const char *name)
{
	return any_module(name, is_dying, NULL);
}

bool raceless_gate_any_dying(void)
{
	return any_module("", is_dying, NULL);
}

static bool has_frame(struct module *module, const void *data)
{
	const struct raceless_gate_frames *frames = data;
	unsigned int i;

	if (!is_dying(module, NULL))
		return false;
	for (i = 0; i < RACELESS_GATE_MAX_FRAMES && frames->ip[i]; i++)
		if (within_module(frames->ip[i], module))
			return true;
	return false;
}

/* Context: any; the frames are those of a task that stands still. */
bool raceless_gate_dying_within(const char *name,
				const struct raceless_gate_frames *frames)
{
	return frames->ip[0] && any_module(name, has_frame, frames);
}

static int is_file_of(const void *module, struct file *file, unsigned int fd)
{
	return within_module((unsigned long)file->f_op, module);
}

static bool has_file_of(struct module *module, const void *files)
{
	return is_dying(module, NULL) &&
	       iterate_fd((struct files_struct *)files, 0, is_file_of, module);
}

/*
 * Has current's process a file open that works by the code of such a module? It
 * holds no reference then, or the exit would not run; what that exit waits for may
 * be that it is closed.
 */
bool raceless_gate_has_files_of_dying(const char *name)
{
	return current->files && any_module(name, has_file_of, current->files);
}

/* Has that module met its end since then, or any if it has no name? */
bool raceless_gate_deleted_since(const char *name, u64 ns)
{
	u64 deleted_ns;

	spin_lock(&known_lock);
	deleted_ns = name[0] ? know(name)->deleted_ns : last_deleted_ns;
	spin_unlock(&known_lock);
	return deleted_ns && deleted_ns >= ns;
}

/* A module has left the list. */
void raceless_gate_module_freed(void)
{
	wake_up_all(&raceless_gate_modules_changed);
}

void raceless_gate_module_count(enum raceless_gate_count count,
				const char *name)
{
	spin_lock(&known_lock);
	know(name)->counts[count]++;
	spin_unlock(&known_lock);
}

void raceless_gate_modules_show(struct seq_file *seq)
{
	unsigned int i, count;

	seq_puts(seq, "# name");
	for (count = 0; count < GATE_NR_COUNTS; count++)
		seq_printf(seq, " %s", raceless_gate_count_names[count]);
	seq_putc(seq, '\n');
	spin_lock(&known_lock);
	for (i = 0; i <= RACELESS_GATE_MAX_MODULES; i++) {
		if (!known[i].name[0])
			continue;
		seq_puts(seq, known[i].name);
		for (count = 0; count < GATE_NR_COUNTS; count++)
			seq_printf(seq, " %llu", known[i].counts[count]);
		seq_putc(seq, '\n');
	}
	spin_unlock(&known_lock);
}

/*
 * Does current run for a request of the kernel's, as modprobe or below it? Those
 * descend from a kernel thread, and other processes from the init process.
 */
bool raceless_gate_is_helper(void)
{
	struct task_struct *task = current;
	bool helper = false;
	int i;

	rcu_read_lock();
	for (i = 0; i < MAX_GENERATIONS && !is_global_init(task); i++) {
		task = rcu_dereference(task->real_parent);
		if (task->flags & PF_KTHREAD) {
			helper = true;
			break;
		}
	}
	rcu_read_unlock();
	return helper;
}

static int on_module_state(struct notifier_block *block, unsigned long state,
			   void *data)
{
	struct module *module = data;
	u64 now = ktime_get_ns();

	if (state == MODULE_STATE_GOING) /* also while the gate is being turned off */
		raceless_gate_leases_drop(module);
	if (!READ_ONCE(raceless_gate_enabled))
		return NOTIFY_OK;
	if (state == MODULE_STATE_LIVE) {
		raceless_gate_lease_take(module);
		wake_up_all(&raceless_gate_modules_changed);
		return NOTIFY_OK;
	}
	if (state == MODULE_STATE_GOING && module_refcount(module) < 0) {
		spin_lock(&known_lock);
		know(module->name)->deleted_ns = now;
		last_deleted_ns = now;
		spin_unlock(&known_lock);
	}
	return NOTIFY_OK;
}

static struct notifier_block notifier = {
	.notifier_call = on_module_state,
};

int raceless_gate_modules_init(void)
{
	return register_module_notifier(&notifier);
}

void raceless_gate_modules_exit(void)
{
	unregister_module_notifier(&notifier);
}
