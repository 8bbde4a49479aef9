// SPDX-License-Identifier: GPL-2.0
/*
 * Calls: system calls that asked for a module, or that failed because of a dying
 * one and are being retried.
 *
 * A call is its task, its number and the place and stack that it was made from:
 * one in a signal handler is another. It is known from its first request or
 * failure until it returns to its user, over all restarts, and its bound is for
 * all of them together.
 *
 * The wait is task work: it runs when the system call has returned, before its
 * user sees that, where no lock is held and no kernel reference taken. Nothing
 * that the kernel does can depend on a task there.
 *
 * Who holds a call: the list, and while `queued` its own task's work, which alone
 * ends it then. Otherwise its own task ends it, or the reaper, once that task is
 * exiting (it was killed on its way back into the call) or has left it long ago.
 */
#include <linux/hashtable.h>
#include <linux/ktime.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/task_work.h>
#include <linux/workqueue.h>

#include "gate.h"

/* Between two looks at the state, if nobody wakes us: a jiffy, up to these. */
#define MAX_DOZE (HZ / 25 ?: 1)

/* A mount on a loop device takes three: the mount, the disk, what backs it. */
#define MAX_TURNS 8

/* A call whose task left it for good (longjmp out of a handler) is kept so long. */
#define FORGET_NS (60 * NSEC_PER_SEC)

struct call {
	struct callback_head work;
	struct list_head node; /* in calls */
	struct hlist_node by_task;
	struct task_struct *task; /* counted */
	u64 id; /* they are in its order, which is that of their begins */
	u64 since_ns; /* when it was first held: the bound counts from here */
	u64 known_ns;
	unsigned long ip, sp, nr;
	long error; /* of the attempt that is held */
	u32 restarts;
	u32 syscall;
	bool retried; /* it was held at least once: deletes wait for it */
	bool queued; /* its work is pending or running */
	u32 turns; /* so often its work has let other work of the task go first */
	bool helper; /* a request waits for it, in one of the kernel's places */
	char module[RACELESS_GATE_NAME_SIZE];
};

static LIST_HEAD(calls); /* this and the next ones: raceless_gate_lock */
static DEFINE_HASHTABLE(calls_by_task, 8);
static unsigned int nr_calls, nr_helpers;
static u64 last_id;

/* Woken when a call ends; deleters wait here. */
DECLARE_WAIT_QUEUE_HEAD(raceless_gate_calls_changed);

static bool same_call(const struct call *call, const struct pt_regs *regs)
{
	return call->nr == regs->orig_ax && call->ip == regs->ip &&
	       call->sp == regs->sp;
}

static struct call *find(const struct pt_regs *regs, unsigned int *nr_of_task)
{
	struct call *call, *found = NULL;

	*nr_of_task = 0;
	hash_for_each_possible(calls_by_task, call, by_task,
			       (unsigned long)current) {
		if (call->task != current)
			continue;
		++*nr_of_task;
		if (same_call(call, regs))
			found = call;
	}
	return found;
}

static u64 bound_ns(void)
{
	return raceless_gate_bound_ns(&raceless_gate_hold_ms);
}

/* Nobody has to wait for it any more. */
static bool over(const struct call *call, u64 now)
{
	return (READ_ONCE(call->task->flags) & PF_EXITING) ||
	       (call->retried && now - call->since_ns > bound_ns());
}

/* Out of the list; the caller frees it after the lock. */
static void remove(struct call *call, struct list_head *removed)
{
	hash_del(&call->by_task);
	list_move(&call->node, removed);
	nr_calls--;
	nr_helpers -= call->helper;
}

static void free_calls(struct list_head *removed)
{
	struct call *call, *next;

	if (list_empty(removed))
		return;
	list_for_each_entry_safe(call, next, removed, node) {
		put_task_struct(call->task);
		kfree(call);
	}
	wake_up_all(&raceless_gate_calls_changed);
	raceless_gate_leases_check();
}

static void reap(struct work_struct *work);
static DECLARE_DELAYED_WORK(reap_work, reap);

/* Those that nobody will end, once a second while there are any calls. */
static void reap(struct work_struct *work)
{
	u64 now = ktime_get_ns();
	struct call *call, *next;
	LIST_HEAD(removed);

	spin_lock(&raceless_gate_lock);
	list_for_each_entry_safe(call, next, &calls, node)
		if (!call->queued &&
		    ((READ_ONCE(call->task->flags) & PF_EXITING) ||
		     now - call->known_ns > bound_ns() + FORGET_NS))
			remove(call, &removed);
	if (raceless_gate_enabled && nr_calls)
		queue_delayed_work(system_wq, &reap_work, HZ);
	spin_unlock(&raceless_gate_lock);
	free_calls(&removed);
}

/* The call that current is in, made if need be; NULL beyond the bounds. */
static struct call *get(const struct pt_regs *regs)
{
	unsigned int nr_of_task;
	struct call *call = find(regs, &nr_of_task);

	lockdep_assert_held(&raceless_gate_lock);
	if (call)
		return call;
	if (nr_calls >= RACELESS_GATE_MAX_CALLS ||
	    nr_of_task >= RACELESS_GATE_MAX_CALLS_PER_TASK) {
		raceless_gate_count_open(RACELESS_GATE_OPEN_LIMIT);
		return NULL;
	}
	call = kzalloc(sizeof(*call), GFP_NOWAIT | __GFP_NOWARN);
	if (!call) {
		raceless_gate_count_open(RACELESS_GATE_OPEN_MEMORY);
		return NULL;
	}
	call->task = get_task_struct(current);
	call->id = ++last_id;
	call->known_ns = ktime_get_ns();
	call->nr = regs->orig_ax;
	call->ip = regs->ip;
	call->sp = regs->sp;
	list_add_tail(&call->node, &calls);
	hash_add(calls_by_task, &call->by_task, (unsigned long)current);
	if (nr_calls++ == 0)
		queue_delayed_work(system_wq, &reap_work, HZ);
	return call;
}

/*
 * Current asks for a module: from here on it is known, so that what it loads is
 * kept for it.
 *
 * Return: 1 if it has to say when its call ends, else 0.
 */
int raceless_gate_call_request(void)
{
	struct call *call = NULL;

	if (!READ_ONCE(raceless_gate_enabled))
		return 0;
	spin_lock(&raceless_gate_lock);
	if (raceless_gate_enabled)
		call = get(current_pt_regs());
	spin_unlock(&raceless_gate_lock);
	return call ? 1 : 0;
}

static void finish(struct call *call, bool queued)
{
	LIST_HEAD(removed);

	spin_lock(&raceless_gate_lock);
	if (call->queued == queued)
		remove(call, &removed);
	spin_unlock(&raceless_gate_lock);
	free_calls(&removed);
}

enum outcome {
	RESTART,
	GIVE_UP, /* it fails as it would have without the gate */
	DIE,
};

/* Is the module that it wants, as far as that is known, on its way out? */
static bool is_busy(const struct call *call)
{
	return call->module[0] && raceless_gate_module_busy(call->module);
}

/*
 * Until the module is gone or live.
 *
 * Woken by the module's end, as BPF sees it, by a load that has ended, by `off`
 * and by signals; none is needed, since the state is looked at again after a
 * doze. Who unloads the module may die or take for ever: then the bound for one
 * exit ends the wait, and the bound of the call if it has been held before. A
 * signal ends it too: its handler runs, or it kills, and then the system call is
 * restarted and finds its way here again.
 */
static enum outcome wait(struct call *call)
{
	u64 begin = ktime_get_ns();
	u64 deadline = call->since_ns + bound_ns();
	u64 patience =
		begin + raceless_gate_bound_ns(&raceless_gate_exit_ms);
	/* nothing in sight that would end: what it meets comes and goes */
	unsigned long pause = call->restarts;
	unsigned long doze = 1;
	u64 now = begin;
	bool busy;
	long left;

	for (;;) {
		if (!READ_ONCE(raceless_gate_enabled))
			return RESTART;
		busy = is_busy(call);
		if (!busy && !pause)
			break;
		if (now >= deadline) {
			raceless_gate_count(GATE_TIMEOUTS, call->module,
					    call->syscall);
			return GIVE_UP;
		}
		if (busy && now >= patience) {
			raceless_gate_count(GATE_EXIT_STALLS, call->module,
					    call->syscall);
			return GIVE_UP;
		}
		if (now == begin)
			raceless_gate_count(GATE_WAITS, call->module,
					    call->syscall);
		if (!busy)
			doze = min_t(unsigned long, pause, MAX_DOZE);
		left = wait_event_interruptible_timeout(raceless_gate_modules_changed,
							!READ_ONCE(raceless_gate_enabled) ||
							(busy && !is_busy(call)),
							doze);
		if (left < 0) {
			raceless_gate_count(GATE_SIGNALS, call->module,
					    call->syscall);
			return fatal_signal_pending(current) ? DIE : RESTART;
		}
		pause = 0;
		doze = min_t(unsigned long, 2 * doze, MAX_DOZE);
		now = ktime_get_ns();
	}
	return RESTART;
}

/*
 * After the system call has returned its error, before its user gets it. The
 * error is replaced at once, so that a signal finds what it knows: a call to be
 * restarted after the handler, whatever SA_RESTART says.
 */
static void call_work(struct callback_head *work)
{
	struct call *call = container_of(work, struct call, work);
	struct pt_regs *regs = current_pt_regs();
	u64 begin = ktime_get_ns();
	enum outcome outcome;

	/*
	 * A stop for a tracer runs task work without this, and no wait would wait. It
	 * is before the look at what else there is: who adds more sets it again.
	 */
	clear_notify_signal();
	/*
	 * The latest runs first. What the call itself has queued, the last put of a
	 * file or a mount, is not to wait for us, nor what that queues.
	 */
	if ((work->next || task_work_pending(current)) && call->turns < MAX_TURNS) {
		call->turns++;
		if (!task_work_add(current, work, TWA_NONE))
			return;
	}
	if (current->flags & PF_EXITING) {
		finish(call, true);
		goto done;
	}
	if (!same_call(call, regs) || (long)regs->ax != call->error) {
		raceless_gate_count_open(RACELESS_GATE_OPEN_REGISTERS);
		finish(call, true);
		goto done;
	}
	regs->ax = -ERESTARTNOINTR;
	outcome = wait(call);
	raceless_gate_count_wait(ktime_get_ns() - begin);
	if (outcome == RESTART) {
		call->restarts++;
		raceless_gate_count(GATE_RESTARTS, call->module, call->syscall);
		spin_lock(&raceless_gate_lock);
		call->queued = false;
		spin_unlock(&raceless_gate_lock);
		/* `off` ends who is not queued: not ours from here on */
		if (!READ_ONCE(raceless_gate_enabled))
			raceless_gate_call_end(-ERESTARTNOINTR);
	} else {
		if (outcome == GIVE_UP) {
			raceless_gate_count_call(call->restarts,
						 ktime_get_ns() - call->since_ns);
			regs->ax = call->error;
		}
		finish(call, true);
	}
	/* whichever way we came here: the restart is done on the way of signals */
	set_thread_flag(TIF_NOTIFY_SIGNAL);
done:
	raceless_gate_work_done();
}

/*
 * Current's system call is about to fail. If that is because of a dying module,
 * it shall wait and be restarted.
 *
 * Return: 1 if it will be, 0 if the failure stands.
 */
int raceless_gate_call_hold(const struct raceless_gate_evidence *evidence)
{
	struct pt_regs *regs = current_pt_regs();
	u64 now = ktime_get_ns();
	struct call *call;
	LIST_HEAD(removed);
	bool helper;
	int held = 0;

	if (!READ_ONCE(raceless_gate_enabled) ||
	    evidence->syscall >= RACELESS_GATE_NR_SYSCALLS || !raceless_gate_raced(evidence))
		return 0;
	if ((evidence->met & RACELESS_GATE_MET_OWN_UNLOAD) ||
	    raceless_gate_has_files_of_dying(evidence->module)) {
		raceless_gate_count(GATE_EXEMPT_CALLS, evidence->module,
				    evidence->syscall);
		return 0;
	}
	helper = raceless_gate_is_helper();
	spin_lock(&raceless_gate_lock);
	call = raceless_gate_enabled ? get(regs) : NULL;
	if (!call || call->queued)
		goto out;
	if (helper && !call->helper) {
		if (nr_helpers >= RACELESS_GATE_MAX_HELPERS) {
			raceless_gate_count_open(RACELESS_GATE_OPEN_HELPER);
			remove(call, &removed);
			goto out;
		}
		call->helper = true;
		nr_helpers++;
	}
	if (!call->retried) {
		call->retried = true;
		call->since_ns = now;
	}
	call->syscall = evidence->syscall;
	call->error = evidence->error;
	strscpy(call->module, evidence->module, sizeof(call->module));
	if (now - call->since_ns >= bound_ns()) {
		raceless_gate_count(GATE_TIMEOUTS, call->module, call->syscall);
		raceless_gate_count_call(call->restarts, now - call->since_ns);
		remove(call, &removed);
		goto out;
	}
	init_task_work(&call->work, call_work);
	call->turns = 0;
	call->queued = raceless_gate_work_queue(&call->work);
	if (call->queued)
		held = 1;
	else
		remove(call, &removed);
out:
	spin_unlock(&raceless_gate_lock);
	free_calls(&removed);
	return held;
}

/*
 * Current's system call returns to its user.
 *
 * Return: how many other calls of current are known.
 */
unsigned int raceless_gate_call_end(long error)
{
	unsigned int nr_of_task;
	struct call *call;
	LIST_HEAD(removed);

	spin_lock(&raceless_gate_lock);
	call = find(current_pt_regs(), &nr_of_task);
	if (call && !call->queued) {
		if (call->restarts) {
			raceless_gate_count_call(call->restarts,
						 ktime_get_ns() - call->since_ns);
			if (error >= 0)
				raceless_gate_count(GATE_RESCUED, call->module,
						    call->syscall);
		}
		remove(call, &removed);
		nr_of_task--;
	}
	spin_unlock(&raceless_gate_lock);
	free_calls(&removed);
	return nr_of_task;
}

/* Older than all calls that begin from now on. Under the lock. */
u64 raceless_gate_next_id(void)
{
	return last_id + 1;
}

/*
 * Is a call alive that began before `id`? With `module`: one that is being
 * retried, because of this module or for reasons not known. Under the lock.
 */
bool raceless_gate_older_calls(u64 id, const char *module)
{
	u64 now = ktime_get_ns();
	struct call *call;

	lockdep_assert_held(&raceless_gate_lock);
	list_for_each_entry(call, &calls, node) {
		if (call->id >= id)
			return false;
		if (over(call, now))
			continue;
		if (!module)
			return true;
		if (call->retried && call->task != current &&
		    (!call->module[0] || !strcmp(call->module, module)))
			return true;
	}
	return false;
}

unsigned int raceless_gate_calls_nr(void)
{
	return READ_ONCE(nr_calls);
}

/* After `enabled` is false: those that are queued end by themselves. May sleep. */
void raceless_gate_calls_clear(void)
{
	struct call *call, *next;
	LIST_HEAD(removed);

	wake_up_all(&raceless_gate_modules_changed);
	spin_lock(&raceless_gate_lock);
	list_for_each_entry_safe(call, next, &calls, node)
		if (!call->queued)
			remove(call, &removed);
	spin_unlock(&raceless_gate_lock);
	free_calls(&removed);
	cancel_delayed_work_sync(&reap_work);
}
