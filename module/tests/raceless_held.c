// SPDX-License-Identifier: GPL-2.0
/*
 * held: a module to be held, for tests of `raceless holders` alone: a character
 * device, a debugfs file, and kernel threads that take references on it, to keep
 * them for long or for ever.
 */
#include <linux/cdev.h>
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

static dev_t number;
static struct cdev device;
static struct dentry *folder;
static void *page;

static ssize_t read(struct file *file, char __user *text, size_t size,
		    loff_t *position)
{
	return 0;
}

static int mmap(struct file *file, struct vm_area_struct *area)
{
	return vm_insert_page(area, area->vm_start, virt_to_page(page));
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.read = read,
	.mmap = mmap,
};

/* Without it debugfs would need no operations of its own: it calls these. */
static const struct file_operations debug_operations = {
	.owner = THIS_MODULE,
	.read = read,
	.llseek = default_llseek,
};

static noinline void held_leaked_get(void)
{
	__module_get(THIS_MODULE);
	/* not a tail call: we want to be on the stack */
	barrier();
}

static int leak_one(void *done)
{
	held_leaked_get();
	/* its text is ours: it ends in the kernel's */
	kthread_complete_and_exit(done, 0);
}

/* So many threads, one after the other; negative: so many puts. */
static int set_leak(const char *value, const struct kernel_param *param)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct task_struct *thread;
	int nr, err;

	err = kstrtoint(value, 0, &nr);
	for (; !err && nr > 0; nr--) {
		thread = kthread_run(leak_one, &done, "held_leak");
		if (IS_ERR(thread))
			return PTR_ERR(thread);
		wait_for_completion(&done);
		reinit_completion(&done);
	}
	for (; !err && nr < 0; nr++)
		module_put(THIS_MODULE);
	return err;
}

static const struct kernel_param_ops leak_ops = { .set = set_leak };
module_param_cb(leak, &leak_ops, NULL, 0200);
MODULE_PARM_DESC(leak, "so many kernel threads take a reference and end");

static struct task_struct *keeper;

static noinline void held_long_get(void)
{
	__module_get(THIS_MODULE);
	/* woken by kthread_stop() alone, which the exit cannot need: we pin it */
	while (!kthread_should_stop())
		schedule_timeout_idle(HZ / 10);
	module_put(THIS_MODULE);
}

static int keep(void *unused)
{
	held_long_get();
	return 0;
}

/* Under the kernel's lock of parameters, which are written one at a time. */
static int set_keep(const char *value, const struct kernel_param *param)
{
	bool wanted;
	int err = kstrtobool(value, &wanted);

	if (err || wanted == !!keeper)
		return err;
	if (!wanted) {
		kthread_stop(keeper);
		keeper = NULL;
		return 0;
	}
	keeper = kthread_run(keep, NULL, "held_keep");
	if (!IS_ERR(keeper))
		return 0;
	err = PTR_ERR(keeper);
	keeper = NULL;
	return err;
}

static const struct kernel_param_ops keep_ops = { .set = set_keep };
module_param_cb(keep, &keep_ops, NULL, 0200);
MODULE_PARM_DESC(keep, "a kernel thread keeps a reference while this is true");

static int __init held_init(void)
{
	int err = alloc_chrdev_region(&number, 0, 1, "raceless_held");

	if (err)
		return err;
	err = -ENOMEM;
	page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!page)
		goto err_region;
	cdev_init(&device, &operations);
	device.owner = THIS_MODULE;
	err = cdev_add(&device, number, 1);
	if (err)
		goto err_page;
	folder = debugfs_create_dir("raceless_held", NULL);
	debugfs_create_file("file", 0400, folder, NULL, &debug_operations);
	return 0;

err_page:
	free_page((unsigned long)page);
err_region:
	unregister_chrdev_region(number, 1);
	return err;
}

/* A keeper would pin us: there is none. */
static void __exit held_exit(void)
{
	debugfs_remove(folder);
	cdev_del(&device);
	free_page((unsigned long)page);
	unregister_chrdev_region(number, 1);
}

module_init(held_init);
module_exit(held_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("a module to be held");
