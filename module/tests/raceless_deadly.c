// SPDX-License-Identifier: GPL-2.0
/*
 * deadly: a module for tests only, which does on request the worst that a
 * module can do. What watches the guest must call each by its name.
 *
 *	echo oops >/sys/module/raceless_deadly/parameters/death
 *	insmod raceless_deadly.ko death=leak-slab
 *
 * Each death is a function of its own and not inlined, because its name is to
 * show in the kernel's reports.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>

/* of QEMU's machine type pc */
#define PM1A_CONTROL	0x604
#define PM1A_SOFT_OFF	0x2000
#define I8042_COMMAND	0x64
#define I8042_RESET	0xfe

#define OBJECT_SIZE	64
#define LEAK_PAGES	4
#define RACE_MS		5000

static __always_inline void __noreturn spin(void)
{
	for (;;)
		cpu_relax();
}

static noinline void deadly_oops(void)
{
	int *nowhere = NULL;

	OPTIMIZER_HIDE_VAR(nowhere);
	WRITE_ONCE(*nowhere, 1);
}

static noinline void deadly_bug(void)
{
	BUG();
}

static noinline void deadly_panic(void)
{
	panic("asked to");
}

static noinline void deadly_warn(void)
{
	WARN_ON(1);
}

/* Not enabled again: schedule() complains, and then sets the count right. */
static noinline void deadly_atomic_sleep(void)
{
	preempt_disable();
	msleep(20);
	barrier(); /* a jump to msleep() would leave no frame */
}

static noinline void deadly_preempt_off(void)
{
	preempt_disable();
	spin();
}

/* The other CPUs find out when a grace period, which this asks for, does not end. */
static noinline void deadly_irq_off(void)
{
	start_poll_synchronize_rcu(); /* lockdep wants interrupts for this */
	local_irq_disable();
	spin();
}

static noinline void deadly_rcu_reader(void)
{
	rcu_read_lock();
	start_poll_synchronize_rcu();
	spin();
}

static noinline void deadly_hang(void)
{
	DECLARE_COMPLETION_ONSTACK(never);

	wait_for_completion(&never);
}

static noinline void deadly_use_after_free(void)
{
	u8 *object = kmalloc(OBJECT_SIZE, GFP_KERNEL);

	if (!object)
		return;
	kfree(object);
	OPTIMIZER_HIDE_VAR(object);
	WRITE_ONCE(object[OBJECT_SIZE / 2], 1);
}

/* Not freed: the next one to look at the cache finds it. */
static noinline void deadly_out_of_bounds(void)
{
	u8 *object = kmalloc(OBJECT_SIZE, GFP_KERNEL);

	if (!object)
		return;
	OPTIMIZER_HIDE_VAR(object);
	WRITE_ONCE(object[OBJECT_SIZE], 1);
}

static noinline void deadly_leak_slab(void)
{
	void *object = kmalloc(OBJECT_SIZE, GFP_KERNEL);

	barrier_data(object); /* else it is a jump, and the caller another */
}

static noinline void deadly_leak_vmalloc(void)
{
	void *area = vmalloc(LEAK_PAGES * PAGE_SIZE);

	barrier_data(area);
}

/* A page on each CPU: the kernel accounts for this memory in pages. */
static noinline void deadly_leak_percpu(void)
{
	void __percpu *area = __alloc_percpu(PAGE_SIZE, sizeof(long));

	barrier_data(area);
}

/* What a debug kernel finds although nothing has happened yet. */
static noinline void deadly_lock_order(void)
{
	static DEFINE_MUTEX(first);
	static DEFINE_MUTEX(second);

	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static noinline void deadly_no_reader(void)
{
	static int __rcu *nothing;

	(void)rcu_dereference(nothing);
	barrier();
}

static void deadly_tick(struct timer_list *timer)
{
}

static noinline void deadly_armed_timer(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, deadly_tick, 0);
	mod_timer(timer, jiffies + HZ * 60);
	kfree(timer);
	barrier();
}

static int raced;

static noinline void deadly_race_step(void)
{
	raced++;
	barrier();
}

static int deadly_racer(void *unused)
{
	while (!kthread_should_stop()) {
		deadly_race_step();
		cond_resched();
	}
	return 0;
}

/* Two tasks and a plain int. */
static noinline void deadly_race(void)
{
	struct task_struct *other = kthread_run(deadly_racer, NULL, "deadly_racer");
	unsigned long end = jiffies + msecs_to_jiffies(RACE_MS);

	if (IS_ERR(other))
		return;
	while (time_before(jiffies, end)) {
		deadly_race_step();
		cond_resched();
	}
	kthread_stop(other);
}

/* Without a word: kernel_power_off() would print one. */
static noinline void deadly_power_off(void)
{
	outw(PM1A_SOFT_OFF, PM1A_CONTROL);
	spin();
}

static noinline void deadly_reset(void)
{
	outb(I8042_RESET, I8042_COMMAND);
	spin();
}

static noinline void deadly_flood(void)
{
	while (!fatal_signal_pending(current)) {
		pr_err("raceless_deadly: much ado about nothing\n");
		cond_resched();
	}
}

static void deadly_stop_cpu(void *unused)
{
	spin();
}

static noinline void deadly_wedge(void)
{
	on_each_cpu(deadly_stop_cpu, NULL, 1);
}

static const struct {
	const char *name;
	void (*die)(void);
} deaths[] = {
	{ "oops", deadly_oops },
	{ "bug", deadly_bug },
	{ "panic", deadly_panic },
	{ "warn", deadly_warn },
	{ "atomic-sleep", deadly_atomic_sleep },
	{ "preempt-off", deadly_preempt_off },
	{ "irq-off", deadly_irq_off },
	{ "rcu-reader", deadly_rcu_reader },
	{ "hang", deadly_hang },
	{ "use-after-free", deadly_use_after_free },
	{ "out-of-bounds", deadly_out_of_bounds },
	{ "leak-slab", deadly_leak_slab },
	{ "leak-vmalloc", deadly_leak_vmalloc },
	{ "leak-percpu", deadly_leak_percpu },
	{ "lock-order", deadly_lock_order },
	{ "no-reader", deadly_no_reader },
	{ "armed-timer", deadly_armed_timer },
	{ "race", deadly_race },
	{ "power-off", deadly_power_off },
	{ "reset", deadly_reset },
	{ "flood", deadly_flood },
	{ "wedge", deadly_wedge },
};

static int set_death(const char *name, const struct kernel_param *param)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(deaths); i++) {
		if (sysfs_streq(name, deaths[i].name)) {
			deaths[i].die();
			return 0;
		}
	}
	return -EINVAL;
}

static const struct kernel_param_ops death_ops = { .set = set_death };

module_param_cb(death, &death_ops, NULL, 0200);
MODULE_PARM_DESC(death, "what to do at once; the table in the source has the names");

static int __init deadly_module_init(void)
{
	return 0;
}

static void __exit deadly_module_exit(void)
{
}

module_init(deadly_module_init);
module_exit(deadly_module_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("raceless tests: dies in every way that a module can");
