// SPDX-License-Identifier: GPL-2.0
/*
 * gated: a file system and a socket family for tests of the gate alone, whose
 * module takes as long as one likes to come and to go, and does in its exit what
 * makes a wait for that exit go round in circles.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/ftrace.h>
#include <linux/kmod.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

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

static bool exit_stops;
module_param(exit_stops, bool, 0644);
MODULE_PARM_DESC(exit_stops, "the exit stops a thread, which asks for the module that is going");

static char *exit_runs = "";
module_param(exit_runs, charp, 0444);
MODULE_PARM_DESC(exit_runs, "the exit runs this program and waits for it");

static bool stall_gets;
module_param(stall_gets, bool, 0444);
MODULE_PARM_DESC(stall_gets, "a get of the module that has begun ends when the module goes");

static uint stalled;
module_param(stalled, uint, 0444);
MODULE_PARM_DESC(stalled, "how many gets were, until now");

static uint overslept;
module_param(overslept, uint, 0444);
MODULE_PARM_DESC(overslept, "how many of these the module outlived");

static uint linger_ms;
module_param(linger_ms, uint, 0644);
MODULE_PARM_DESC(linger_ms, "how long after the exit's begin who reads linger keeps the module's end");

static uint free_ms;
module_param(free_ms, uint, 0644);
MODULE_PARM_DESC(free_ms, "how long it is in the kernel's list yet, without a state, when it is freed");

static bool going;

/* The module's folder goes after its exit, and that waits for whoever reads a file there. */
static int linger(char *buffer, const struct kernel_param *param)
{
	while (linger_ms && !READ_ONCE(going)) {
		if (msleep_interruptible(20))
			return -EINTR;
	}
	msleep(linger_ms);
	return 0;
}

/* Parameters are freed when the module's exit has returned and its name is still taken. */
static void slow_free(void *unused)
{
	if (free_ms)
		msleep(free_ms);
}

static const struct kernel_param_ops linger_ops = {
	.get = linger,
	.free = slow_free,
};
module_param_cb(linger, &linger_ops, NULL, 0444);
MODULE_PARM_DESC(linger, "read when the module goes, it keeps that from its end");

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

/* A family that no protocol of the kernel has any more. It makes no sockets. */
static int create(struct net *net, struct socket *sock, int protocol, int kern)
{
	return -EPROTO;
}

static const struct net_proto_family gated_family = {
	.family = PF_ECONET,
	.create = create,
	.owner = THIS_MODULE,
};

/* A device whose files hold no reference: the exit itself waits for their end. */
static atomic_t nr_files = ATOMIC_INIT(0);

static int open_device(struct inode *inode, struct file *file)
{
	atomic_inc(&nr_files);
	return 0;
}

static int release_device(struct inode *inode, struct file *file)
{
	atomic_dec(&nr_files);
	return 0;
}

static const struct file_operations device_ops = {
	.open = open_device,
	.release = release_device,
};

static struct miscdevice gated_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "raceless_gated",
	.fops = &device_ops,
};

static DECLARE_COMPLETION(asker_runs);

/* A thread that is stopped before it has run never does. */
static int ask_when_going(void *unused)
{
	complete(&asker_runs);
	while (!READ_ONCE(going))
		msleep(20);
	request_module("fs-raceless_gated");
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

static struct task_struct *asker;

static int start_asker(void)
{
	asker = kthread_run(ask_when_going, NULL, "raceless_gated");
	if (IS_ERR(asker))
		return PTR_ERR(asker);
	wait_for_completion(&asker_runs);
	return 0;
}

/* Just after a get's begin, where whoever traces functions has seen it. */
#ifdef CONFIG_X86_KERNEL_IBT
#define BEGIN_SIZE (4 + MCOUNT_INSN_SIZE) /* endbr64 */
#else
#define BEGIN_SIZE MCOUNT_INSN_SIZE
#endif

/* Interrupts are off meanwhile: who waits for all CPUs waits for this, too. */
static int stall(struct kprobe *probe, struct pt_regs *regs)
{
	u64 last = ktime_get_mono_fast_ns() + 2ULL * NSEC_PER_SEC;

	if (regs_get_kernel_argument(regs, 0) != (unsigned long)THIS_MODULE)
		return 0;
	WRITE_ONCE(stalled, stalled + 1);
	while (READ_ONCE(THIS_MODULE->state) != MODULE_STATE_GOING) {
		if (ktime_get_mono_fast_ns() > last) {
			WRITE_ONCE(overslept, overslept + 1);
			break;
		}
		cpu_relax();
	}
	return 0;
}

static struct kprobe get_probe = {
	.symbol_name = "try_module_get",
	.offset = BEGIN_SIZE,
	.pre_handler = stall,
};

static int __init gated_init(void)
{
	int err;

	if (init_ms)
		msleep(init_ms);
	if (init_error)
		return -init_error;
	err = misc_register(&gated_device);
	if (err)
		return err;
	err = sock_register(&gated_family);
	if (err)
		goto err_device;
	err = register_filesystem(&gated_type);
	if (err)
		goto err_family;
	err = exit_stops ? start_asker() : 0;
	if (err)
		goto err_filesystem;
	err = stall_gets ? register_kprobe(&get_probe) : 0;
	if (err)
		goto err_asker;
	return 0;

err_asker:
	if (exit_stops)
		kthread_stop(asker);
err_filesystem:
	unregister_filesystem(&gated_type);
err_family:
	sock_unregister(PF_ECONET);
err_device:
	misc_deregister(&gated_device);
	return err;
}

static void run(const char *line)
{
	char **words = argv_split(GFP_KERNEL, line, NULL);

	if (words && words[0])
		call_usermodehelper(words[0], words, NULL, UMH_WAIT_PROC);
	if (words)
		argv_free(words);
}

static void __exit gated_exit(void)
{
	WRITE_ONCE(going, true);
	if (exit_ms)
		msleep(exit_ms);
	if (exit_requests)
		request_module("fs-raceless_gated");
	if (exit_stops)
		kthread_stop(asker);
	run(exit_runs);
	while (READ_ONCE(exit_waits))
		msleep(20);
	misc_deregister(&gated_device);
	while (atomic_read(&nr_files))
		msleep(20);
	sock_unregister(PF_ECONET);
	unregister_filesystem(&gated_type);
	if (stall_gets)
		unregister_kprobe(&get_probe);
	if (late_ms)
		msleep(late_ms);
}

module_init(gated_init);
module_exit(gated_exit);
MODULE_ALIAS_FS("raceless_gated");
MODULE_ALIAS_NETPROTO(PF_ECONET);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("file system and family that come and go as tests of the gate want it");
