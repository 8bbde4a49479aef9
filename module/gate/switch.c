// SPDX-License-Identifier: GPL-2.0
/*
 * On and off, and the bounds.
 *
 * Off, under load: `enabled` becomes false, and from then on nothing is added;
 * leases are dropped; everybody who waits is woken, and their calls are restarted
 * once more, so that their users see what they would see without a gate; then all
 * task work is awaited. After that nothing of ours is left in any task.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/task_work.h>

#include "gate.h"

/* No bound is longer, whatever the parameters say. */
#define MAX_BOUND_MS 60000

unsigned int raceless_gate_hold_ms = 10000;
module_param_named(gate_hold_ms, raceless_gate_hold_ms, uint, 0644);
MODULE_PARM_DESC(gate_hold_ms, "gate: how long one call is retried in all");

unsigned int raceless_gate_exit_ms = 3000;
module_param_named(gate_exit_ms, raceless_gate_exit_ms, uint, 0644);
MODULE_PARM_DESC(gate_exit_ms, "gate: how long a call waits for one module's exit");

unsigned int raceless_gate_lease_ms = 1000;
module_param_named(gate_lease_ms, raceless_gate_lease_ms, uint, 0644);
MODULE_PARM_DESC(gate_lease_ms, "gate: how long what was requested cannot be unloaded, at the most");

unsigned int raceless_gate_delete_ms = 1000;
module_param_named(gate_delete_ms, raceless_gate_delete_ms, uint, 0644);
MODULE_PARM_DESC(gate_delete_ms, "gate: how long delete_module waits for calls that are retried");

DEFINE_SPINLOCK(raceless_gate_lock);
bool raceless_gate_enabled;

static DEFINE_MUTEX(switch_mutex);
static atomic_t nr_works = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(works_done);

u64 raceless_gate_bound_ns(const unsigned int *ms)
{
	return min_t(u64, READ_ONCE(*ms), MAX_BOUND_MS) * NSEC_PER_MSEC;
}

/*
 * Current runs it before it returns to user space, or when it dies. Under the
 * lock, so that none is added once the gate is off.
 */
bool raceless_gate_work_queue(struct callback_head *work)
{
	lockdep_assert_held(&raceless_gate_lock);
	if (!raceless_gate_enabled)
		return false;
	atomic_inc(&nr_works);
	if (!task_work_add(current, work, TWA_SIGNAL))
		return true;
	raceless_gate_work_done(); /* it is exiting */
	return false;
}

/* The last that a work does; it runs on in our text for some instructions. */
void raceless_gate_work_done(void)
{
	if (atomic_dec_and_test(&nr_works))
		wake_up_all(&works_done);
}

static void clear(void)
{
	raceless_gate_leases_clear();
	raceless_gate_calls_clear();
	raceless_gate_deleters_clear();
}

/*
 * Return: 0; an errno, if gets cannot be watched: it stays off; -EINTR (killed): it
 * is off, but works may still be on their way.
 */
int raceless_gate_switch(bool on)
{
	int err = 0;

	if (mutex_lock_killable(&switch_mutex))
		return -EINTR;
	if (on)
		err = raceless_gate_gets_watch();
	if (err)
		goto out;
	spin_lock(&raceless_gate_lock);
	WRITE_ONCE(raceless_gate_enabled, on);
	spin_unlock(&raceless_gate_lock);
	if (!on) {
		clear();
		/* each wait ends at once, and so does each work */
		if (wait_event_killable(works_done, !atomic_read(&nr_works)))
			err = -EINTR;
		raceless_gate_gets_ignore();
	}
out:
	mutex_unlock(&switch_mutex);
	return err;
}

int raceless_gate_init(void)
{
	int err;

	err = raceless_gate_modules_init();
	if (err)
		return err;
	err = raceless_gate_counts_init();
	if (err)
		goto err_modules;
	err = raceless_gate_kfuncs_init();
	if (err)
		goto err_counts;
	return 0;

err_counts:
	raceless_gate_counts_exit();
err_modules:
	raceless_gate_modules_exit();
	return err;
}

/* Our programs are gone: they held us. Works may be left of before. */
void raceless_gate_exit(void)
{
	spin_lock(&raceless_gate_lock);
	WRITE_ONCE(raceless_gate_enabled, false);
	spin_unlock(&raceless_gate_lock);
	raceless_gate_gets_ignore();
	raceless_gate_counts_exit();
	raceless_gate_modules_exit();
	clear();
	wait_event(works_done, !atomic_read(&nr_works));
	/*
	 * A work that has said that it is done may still be preempted in our
	 * text. It does not sleep there, so that it has left when all tasks
	 * have been seen to sleep, or to be in user space, once.
	 */
	synchronize_rcu_tasks();
}
