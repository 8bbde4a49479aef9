// SPDX-License-Identifier: GPL-2.0
/*
 * gated: a file system for tests of the gate alone, whose module takes as long as
 * one likes to come and to go, and does in its exit what makes a wait for that
 * exit go round in circles.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/kmod.h>
#include <linux/module.h>

static uint init_ms;
module_param(init_ms, uint, 0644);
MODULE_PARM_DESC(init_ms, "how long the init sleeps before anything else");

static int init_error;
module_param(init_error, int, 0644);
MODULE_PARM_DESC(init_error, "the init fails with this errno");

static uint exit_ms;
module_param(exit_ms, uint, 0644);
MODULE_PARM_DESC(exit_ms, "how long the exit sleeps while the file system is still there");

static uint late_ms;
module_param(late_ms, uint, 0644);
MODULE_PARM_DESC(late_ms, "how long the exit sleeps after it is not");

static bool exit_requests;
module_param(exit_requests, bool, 0644);
MODULE_PARM_DESC(exit_requests, "the exit asks for the module that is going");

static bool exit_waits;
module_param(exit_waits, bool, 0644);
MODULE_PARM_DESC(exit_waits, "the exit waits until this is false");

static const struct tree_descr no_files[] = { { "" } };

static int fill(struct super_block *sb, struct fs_context *fc)
{
	return simple_fill_super(sb, 0x6a7e, no_files);
}

static int get_tree(struct fs_context *fc)
{
	return get_tree_nodev(fc, fill);
}

static const struct fs_context_operations ops = { .get_tree = get_tree };

static int init_context(struct fs_context *fc)
{
	fc->ops = &ops;
	return 0;
}

static struct file_system_type gated_type = {
	.owner = THIS_MODULE,
	.name = "raceless_gated",
	.init_fs_context = init_context,
	.kill_sb = kill_litter_super,
};

static int __init gated_init(void)
{
	if (init_ms)
		msleep(init_ms);
	if (init_error)
		return -init_error;
	return register_filesystem(&gated_type);
}

static void __exit gated_exit(void)
{
	if (exit_requests)
		request_module("fs-raceless_gated");
	if (exit_ms)
		msleep(exit_ms);
	while (READ_ONCE(exit_waits))
		msleep(20);
	unregister_filesystem(&gated_type);
	if (late_ms)
		msleep(late_ms);
}

module_init(gated_init);
module_exit(gated_exit);
MODULE_ALIAS_FS("raceless_gated");
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("file system that comes and goes as tests of the gate want it");
