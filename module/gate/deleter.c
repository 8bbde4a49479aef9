// SPDX-License-Identifier: GPL-2.0
/*
 * Deleters: delete_module, which waits for calls that are being retried, so that
 * these find what they want when they come back. For older ones only, and for a
 * bound: neither starves the other. And for leases, where nothing else uses the
 * module: these were taken for others, and would fail it.
 *
 * No program can sleep at the begin of delete_module. So the call is made to fail
 * where it does no harm, by a null pointer for the name; it waits in task work,
 * as calls do, gets its name back and is restarted. So it is, too, if the program
 * could not read the name, whose page is not there yet: task work can.
 *
 * Who holds a deleter: the list, and while `queued` its own task's work.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/ktime.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>

#include "gate.h"

/* Calls of tasks that have died are not always announced. */
#define DOZE (HZ / 25 ?: 1)

struct deleter {
	struct callback_head work;
	struct list_head node;
	struct task_struct *task; /* counted */
	u64 id; /* it waits for calls with a smaller one */
	u64 deadline_ns;
	unsigned long ip, sp, nr, name;
	bool compat;
	bool queued;
	bool passed; /* it has waited: the restart goes through */
	char module[RACELESS_GATE_NAME_SIZE];
};

static LIST_HEAD(deleters); /* this and the next one: raceless_gate_lock */
static unsigned int nr_deleters;

static unsigned long *name_register(struct pt_regs *regs, bool compat)
{
	return compat ? &regs->bx : &regs->di;
}

static bool same_call(const struct deleter *deleter, const struct pt_regs *regs)
{
	return deleter->nr == regs->orig_ax && deleter->ip == regs->ip &&
	       deleter->sp == regs->sp;
}

static void remove(struct deleter *deleter, struct list_head *removed)
{
	list_move(&deleter->node, removed);
	nr_deleters--;
}

static void free_deleters(struct list_head *removed)
{
	struct deleter *deleter, *next;

	list_for_each_entry_safe(deleter, next, removed, node) {
		put_task_struct(deleter->task);
		kfree(deleter);
	}
}

/* Finds current's, and removes those that were left for good. */
static struct deleter *find(const struct pt_regs *regs, u64 now,
			    struct list_head *removed)
{
	struct deleter *deleter, *next, *found = NULL;

	list_for_each_entry_safe(deleter, next, &deleters, node) {
		if (deleter->queued)
			continue;
		if (deleter->task == current && same_call(deleter, regs))
			found = deleter;
		else if ((READ_ONCE(deleter->task->flags) & PF_EXITING) ||
			 now > deleter->deadline_ns + NSEC_PER_SEC)
			remove(deleter, removed);
	}
	return found;
}

/* Under the lock. @over: as of raceless_gate_leased(). */
static bool has_to_wait(u64 id, const char *module, struct list_head *over)
{
	return raceless_gate_older_calls(id, module) ||
	       raceless_gate_leased(module, over);
}

static bool may_go(const struct deleter *deleter)
{
	LIST_HEAD(over);
	bool wait;

	if (!READ_ONCE(raceless_gate_enabled))
		return true;
	spin_lock(&raceless_gate_lock);
	wait = has_to_wait(deleter->id, deleter->module, &over);
	spin_unlock(&raceless_gate_lock);
	raceless_gate_leases_free(&over);
	return !wait;
}

/*
 * Woken by the end of a call or a lease and by `off`; dozes in case a call's task
 * died unannounced. The deadline ends it whatever the calls do; a signal ends it,
 * and the restart comes back here with what is left of the time.
 */
static void wait(struct deleter *deleter)
{
	long left;

	while (!may_go(deleter)) {
		if (ktime_get_ns() >= deleter->deadline_ns) {
			raceless_gate_count(GATE_DELETE_TIMEOUTS,
					    deleter->module, -1);
			break;
		}
		left = wait_event_interruptible_timeout(raceless_gate_calls_changed,
							may_go(deleter), DOZE);
		if (left < 0)
			return;
	}
	deleter->passed = true;
}

/* May sleep. What cannot be read is nobody's name, and the restart will tell its user. */
static void learn_name(struct deleter *deleter)
{
	char name[sizeof(deleter->module)] = "";

	if (strncpy_from_user(name, (const char __user *)deleter->name,
			      sizeof(name) - 1) > 0)
		strscpy(deleter->module, name, sizeof(deleter->module));
	if (!may_go(deleter))
		raceless_gate_count(GATE_DELETES_DELAYED, deleter->module, -1);
}

static void deleter_work(struct callback_head *work)
{
	struct deleter *deleter = container_of(work, struct deleter, work);
	struct pt_regs *regs = current_pt_regs();
	unsigned long *name = name_register(regs, deleter->compat);
	LIST_HEAD(removed);
	bool restart = false;

	if (current->flags & PF_EXITING)
		goto out;
	if (!same_call(deleter, regs) || *name) {
		raceless_gate_count_open(RACELESS_GATE_OPEN_REGISTERS);
		goto out;
	}
	*name = deleter->name;
	/* anything else, EPERM for one, is the answer */
	restart = (long)regs->ax == -EFAULT;
	if (!restart)
		goto out;
	clear_notify_signal();
	regs->ax = -ERESTARTNOINTR;
	if (!deleter->module[0])
		learn_name(deleter);
	wait(deleter);
	set_thread_flag(TIF_NOTIFY_SIGNAL);
out:
	spin_lock(&raceless_gate_lock);
	deleter->queued = false;
	if (!restart || !raceless_gate_enabled || fatal_signal_pending(current))
		remove(deleter, &removed);
	spin_unlock(&raceless_gate_lock);
	free_deleters(&removed);
	raceless_gate_work_done();
}

static struct deleter *add(const struct pt_regs *regs, const char *module,
			   bool compat)
{
	struct deleter *deleter;

	if (nr_deleters >= RACELESS_GATE_MAX_DELETERS) {
		raceless_gate_count_open(RACELESS_GATE_OPEN_LIMIT);
		return NULL;
	}
	deleter = kzalloc(sizeof(*deleter), GFP_NOWAIT | __GFP_NOWARN);
	if (!deleter) {
		raceless_gate_count_open(RACELESS_GATE_OPEN_MEMORY);
		return NULL;
	}
	deleter->task = get_task_struct(current);
	deleter->id = raceless_gate_next_id();
	deleter->deadline_ns = ktime_get_ns() +
			       raceless_gate_bound_ns(&raceless_gate_delete_ms);
	deleter->nr = regs->orig_ax;
	deleter->ip = regs->ip;
	deleter->sp = regs->sp;
	deleter->compat = compat;
	strscpy(deleter->module, module, sizeof(deleter->module));
	list_add_tail(&deleter->node, &deleters);
	nr_deleters++;
	return deleter;
}

/*
 * Who may not delete a module is to be told so, and no name that he makes up is to
 * take a place among those that are known (modules.c).
 */
static bool may_delete(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_MODULE);
}

/*
 * Current is at the begin of delete_module, for this module. If older calls are
 * being retried, or leases alone keep it, it will wait for them.
 *
 * A modprobe that runs for a request must not wait for who waits for it.
 */
void raceless_gate_deleter_wait(const char *module, bool compat)
{
	struct pt_regs *regs = current_pt_regs();
	unsigned long *name = name_register(regs, compat);
	u64 now = ktime_get_ns();
	struct deleter *deleter;
	LIST_HEAD(removed);
	LIST_HEAD(over);
	u64 id;

	if (!READ_ONCE(raceless_gate_enabled) || !*name || !may_delete())
		return;
	spin_lock(&raceless_gate_lock);
	deleter = find(regs, now, &removed);
	id = deleter ? deleter->id : raceless_gate_next_id();
	if (!raceless_gate_enabled || (deleter && deleter->passed) ||
	    (module[0] && !has_to_wait(id, module, &over)))
		goto go;
	if (raceless_gate_is_helper()) {
		if (module[0])
			raceless_gate_count(GATE_EXEMPT_DELETES, module, -1);
		goto go;
	}
	if (!deleter)
		deleter = add(regs, module, compat);
	if (!deleter)
		goto out;
	deleter->name = *name;
	init_task_work(&deleter->work, deleter_work);
	deleter->queued = raceless_gate_work_queue(&deleter->work);
	if (!deleter->queued)
		goto go;
	*name = 0;
	if (module[0])
		raceless_gate_count(GATE_DELETES_DELAYED, module, -1);
	goto out;
go:
	if (deleter)
		remove(deleter, &removed);
out:
	spin_unlock(&raceless_gate_lock);
	free_deleters(&removed);
	raceless_gate_leases_free(&over);
}

/* After `enabled` is false. */
void raceless_gate_deleters_clear(void)
{
	struct deleter *deleter, *next;
	LIST_HEAD(removed);

	wake_up_all(&raceless_gate_calls_changed);
	spin_lock(&raceless_gate_lock);
	list_for_each_entry_safe(deleter, next, &deleters, node)
		if (!deleter->queued)
			remove(deleter, &removed);
	spin_unlock(&raceless_gate_lock);
	free_deleters(&removed);
}
