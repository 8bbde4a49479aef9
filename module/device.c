// SPDX-License-Identifier: GPL-2.0
/* /dev/raceless: open, release, and which ioctl goes where. */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/miscdevice.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "call.h"
#include "device.h"
#include "gate/gate.h"
#include "hold.h"
#include "holder.h"
#include "reference.h"
#include "stats.h"
#include "unload.h"
#include "user.h"

#define DEFAULT_TIMEOUT_NS (30ULL * NSEC_PER_SEC)

/* Return: 0, or -EINVAL for more than an hour. */
int raceless_timeout(u64 timeout_ns, unsigned long *timeout)
{
	if (timeout_ns > RACELESS_MAX_TIMEOUT_NS)
		return -EINVAL;
	*timeout = nsecs_to_jiffies(timeout_ns ?: DEFAULT_TIMEOUT_NS) + 1;
	return 0;
}

static int open(struct inode *inode, struct file *filp)
{
	struct raceless_file *file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);

	if (!file)
		return -ENOMEM;
	file->user = raceless_user_get();
	if (IS_ERR(file->user)) {
		int err = PTR_ERR(file->user);

		kfree(file);
		return err;
	}
	xa_init_flags(&file->references, XA_FLAGS_ALLOC1);
	raceless_holds_open(file);
	filp->private_data = file;
	raceless_holders_add(file);
	raceless_count(COUNT_DESCRIPTORS_OPENED);
	return stream_open(inode, filp);
}

/* References first: an unload of ours may be waiting for one of them. */
static int release(struct inode *inode, struct file *filp)
{
	struct raceless_file *file = filp->private_data;

	raceless_holders_remove(file);
	raceless_references_close(file);
	raceless_holds_close(file);
	raceless_user_put(file->user);
	kfree(file);
	raceless_count(COUNT_DESCRIPTORS_CLOSED);
	return 0;
}

union argument {
	u32 size;
	struct raceless_get get;
	struct raceless_put put;
	struct raceless_call call;
	struct raceless_unload unload;
	struct raceless_release release;
	struct raceless_unload_many unload_many;
	struct raceless_gate gate;
};

static long run_get(struct raceless_file *file, union argument *arg)
{
	return raceless_reference_get(file, &arg->get);
}

static long run_put(struct raceless_file *file, union argument *arg)
{
	return raceless_reference_put(file, arg->put.ref);
}

static long run_call(struct raceless_file *file, union argument *arg)
{
	return raceless_call(file, &arg->call);
}

static long run_unload(struct raceless_file *file, union argument *arg)
{
	return raceless_unload(file, &arg->unload);
}

static long run_release(struct raceless_file *file, union argument *arg)
{
	if (arg->release.flags)
		return -EINVAL;
	return raceless_hold_release(file, arg->release.name);
}

static long run_unload_many(struct raceless_file *file, union argument *arg)
{
	return raceless_unload_many(file, &arg->unload_many);
}

static long run_gate(struct raceless_file *file, union argument *arg)
{
	if (!capable(CAP_SYS_MODULE))
		return -EPERM;
	if (arg->gate.on > 1)
		return -EINVAL;
	return raceless_gate_switch(arg->gate.on);
}

/* By number alone: the size in the structure rules, not the one in the command. */
static const struct {
	size_t size;
	bool answers;
	long (*run)(struct raceless_file *file, union argument *arg);
} commands[] = {
	{ sizeof(struct raceless_get), true, run_get },
	{ sizeof(struct raceless_put), false, run_put },
	{ sizeof(struct raceless_call), true, run_call },
	{ sizeof(struct raceless_unload), true, run_unload },
	{ sizeof(struct raceless_release), false, run_release },
	{ sizeof(struct raceless_unload_many), false, run_unload_many },
	{ sizeof(struct raceless_gate), false, run_gate },
};

static long ioctl(struct file *filp, unsigned int command, unsigned long arg)
{
	unsigned int i = _IOC_NR(command) - _IOC_NR(RACELESS_IOC_GET);
	void __user *user = (void __user *)arg;
	union argument argument;
	u32 size;
	long ret;
	int err;

	if (_IOC_TYPE(command) != _IOC_TYPE(RACELESS_IOC_GET) ||
	    i >= ARRAY_SIZE(commands))
		return -ENOTTY;
	i = array_index_nospec(i, ARRAY_SIZE(commands));
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < commands[i].size) /* no older, shorter version exists */
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&argument, commands[i].size, user, size);
	if (err)
		return err;
	ret = commands[i].run(filp->private_data, &argument);
	/* also on failure: the reason */
	if (commands[i].answers &&
	    copy_to_user(user, &argument, commands[i].size))
		return -EFAULT; /* what it gave goes with the descriptor */
	return ret;
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.open = open,
	.release = release,
	.unlocked_ioctl = ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "raceless",
	.fops = &fops,
	.mode = 0600,
};

int raceless_device_init(void)
{
	return misc_register(&device);
}

void raceless_device_exit(void)
{
	misc_deregister(&device);
}
