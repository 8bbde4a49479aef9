// SPDX-License-Identifier: GPL-2.0
/* raceless_bench.ko: /dev/raceless_bench, for the benchmarks in bench/. */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "bench.h"
#include "uapi/bench.h"

static const struct mechanism *const mechanisms[] = {
	count_mechanisms,
	lookup_mechanisms,
};

static const struct slow *const slow_tables[] = { slow_waits, crowd_waits };

/* Between a preparation and what is timed. */
#define CALM_MS 20

static DEFINE_MUTEX(one_at_a_time);

/*
 * How often raceless_nothing.ko has gone, whoever unloaded it and however that
 * one counts.
 */
static unsigned long cycles;
module_param(cycles, ulong, 0444);
MODULE_PARM_DESC(cycles, "how often raceless_nothing was unloaded");

static int on_module(struct notifier_block *block, unsigned long event,
		     void *data)
{
	const struct module *module = data;

	/* after its exit, under no lock, but one at a time: there is only one */
	if (event == MODULE_STATE_GOING &&
	    !strcmp(module->name, "raceless_nothing"))
		WRITE_ONCE(cycles, cycles + 1);
	return NOTIFY_OK;
}

static struct notifier_block module_block = { .notifier_call = on_module };

static const struct mechanism *find_mechanism(const char *name)
{
	const struct mechanism *mechanism;
	int i;

	for (i = 0; i < ARRAY_SIZE(mechanisms); i++)
		for (mechanism = mechanisms[i]; mechanism->name; mechanism++)
			if (!strcmp(mechanism->name, name))
				return mechanism;
	return NULL;
}

static const struct slow *find_slow(const char *name)
{
	const struct slow *slow;
	int i;

	for (i = 0; i < ARRAY_SIZE(slow_tables); i++)
		for (slow = slow_tables[i]; slow->name; slow++)
			if (!strcmp(slow->name, name))
				return slow;
	return NULL;
}

static long run(struct raceless_bench_run *arg)
{
	const struct mechanism *mechanism = find_mechanism(arg->mechanism);
	long err;

	if (!mechanism)
		return -ENOENT;
	if (arg->size != sizeof(*arg) || arg->reserved || !arg->loops ||
	    arg->loops > RACELESS_BENCH_MAX_LOOPS || !arg->population ||
	    arg->population > RACELESS_BENCH_MAX_POPULATION)
		return -EINVAL;
	cpus_read_lock();
	err = bench_run(mechanism, arg->threads, arg->loops, arg->population,
			&arg->ns);
	cpus_read_unlock();
	return err;
}

static long wait(struct raceless_bench_wait *arg)
{
	const struct slow *slow = find_slow(arg->wait);
	long err = 0;

	if (!slow)
		return -ENOENT;
	if (arg->size != sizeof(*arg) || !arg->batch ||
	    arg->batch > RACELESS_BENCH_MAX_POPULATION)
		return -EINVAL;
	if (slow->prepare)
		err = slow->prepare(arg->batch);
	if (err)
		return err;
	/* what the preparation left to workers and RCU is over for all alike */
	rcu_barrier();
	msleep(CALM_MS);
	arg->ns = slow->wait(arg->batch);
	if (slow->finish)
		slow->finish(arg->batch);
	return arg->ns ? 0 : -EIO;
}

static long bench_ioctl(struct file *file, unsigned int command,
			unsigned long user)
{
	union {
		struct raceless_bench_run run;
		struct raceless_bench_wait wait;
	} arg;
	void __user *address = (void __user *)user;
	size_t size = _IOC_SIZE(command);
	long err;

	if (command != RACELESS_BENCH_IOC_RUN &&
	    command != RACELESS_BENCH_IOC_WAIT)
		return -ENOTTY;
	if (copy_from_user(&arg, address, size))
		return -EFAULT;
	err = mutex_lock_killable(&one_at_a_time);
	if (err)
		return err;
	if (command == RACELESS_BENCH_IOC_RUN) {
		arg.run.mechanism[RACELESS_BENCH_NAME_SIZE - 1] = '\0';
		err = run(&arg.run);
	} else {
		arg.wait.wait[RACELESS_BENCH_NAME_SIZE - 1] = '\0';
		err = wait(&arg.wait);
	}
	mutex_unlock(&one_at_a_time);
	if (!err && copy_to_user(address, &arg, size))
		err = -EFAULT;
	return err;
}

/* The names, one a line. */
static ssize_t bench_read(struct file *file, char __user *buffer, size_t size,
			  loff_t *position)
{
	const struct mechanism *mechanism;
	const struct slow *slow;
	char text[768];
	size_t length = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(mechanisms); i++)
		for (mechanism = mechanisms[i]; mechanism->name; mechanism++)
			length += scnprintf(text + length,
					    sizeof(text) - length, "run %s\n",
					    mechanism->name);
	for (i = 0; i < ARRAY_SIZE(slow_tables); i++)
		for (slow = slow_tables[i]; slow->name; slow++)
			length += scnprintf(text + length,
					    sizeof(text) - length, "wait %s\n",
					    slow->name);
	return simple_read_from_buffer(buffer, size, position, text, length);
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.read = bench_read,
	.unlocked_ioctl = bench_ioctl,
	.llseek = default_llseek,
};

static struct miscdevice bench_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "raceless_bench",
	.mode = 0600,
	.fops = &bench_fops,
};

static int __init bench_init(void)
{
	int err = register_module_notifier(&module_block);

	if (err)
		return err;
	err = misc_register(&bench_device);
	if (err)
		unregister_module_notifier(&module_block);
	return err;
}

static void __exit bench_exit(void)
{
	misc_deregister(&bench_device);
	unregister_module_notifier(&module_block);
	names_exit();
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Benchmarks of reference counts, lookups and unloads");
