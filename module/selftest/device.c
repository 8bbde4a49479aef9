// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/raceless, as user space sees it: the arguments lie in a page of the
 * address space of the process that loads us, which actors borrow.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "selftest.h"

struct file *device_open(void)
{
	return filp_open(RACELESS_DEVICE, O_RDWR, 0);
}

static long act_close(struct actor *actor)
{
	__fput_sync(actor->file); /* until v6.6 for kernel threads only */
	return 0;
}

/* The descriptor is closed when this returns, as when its owner dies. */
bool device_close(struct file *file)
{
	struct actor closer = { .file = file };

	return actor_start(&closer, act_close) && actor_done(&closer);
}

static long device_ioctl(struct file *file, unsigned int command, void *arg,
			 size_t size)
{
	unsigned long user = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	long ret;

	if (IS_ERR_VALUE(user))
		return user;
	if (copy_to_user((void __user *)user, arg, size))
		ret = -EFAULT;
	else
		ret = file->f_op->unlocked_ioctl(file, command, user);
	vm_munmap(user, PAGE_SIZE);
	return ret;
}

/* @timeout is in jiffies; 0 is the registry's own. */
long device_unload(struct file *file, const char *name, u32 flags,
		   unsigned long timeout)
{
	struct raceless_unload arg = {
		.size = sizeof(arg),
		.flags = flags,
		.timeout_ns = jiffies_to_nsecs(timeout),
	};

	strscpy(arg.name, name, sizeof(arg.name));
	return device_ioctl(file, RACELESS_IOC_UNLOAD, &arg, sizeof(arg));
}

/* The entries lie behind the request, and come back from there. */
long device_unload_many(struct file *file,
			struct raceless_unload_entry *entries, unsigned int nr,
			u32 flags, unsigned long timeout)
{
	struct raceless_unload_many arg = {
		.size = sizeof(arg),
		.flags = flags,
		.timeout_ns = jiffies_to_nsecs(timeout),
		.nr = nr,
		.entry_bytes = sizeof(*entries),
	};
	size_t bytes = nr * sizeof(*entries);
	unsigned long user = vm_mmap(NULL, 0, sizeof(arg) + bytes,
				     PROT_READ | PROT_WRITE,
				     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	void __user *to;
	long ret;

	if (IS_ERR_VALUE(user))
		return user;
	to = (void __user *)(user + sizeof(arg));
	arg.entries = user + sizeof(arg);
	if (copy_to_user((void __user *)user, &arg, sizeof(arg)) ||
	    copy_to_user(to, entries, bytes))
		ret = -EFAULT;
	else
		ret = file->f_op->unlocked_ioctl(file, RACELESS_IOC_UNLOAD_MANY,
						 user);
	if (copy_from_user(entries, to, bytes))
		ret = -EFAULT;
	vm_munmap(user, sizeof(arg) + bytes);
	return ret;
}

long device_release(struct file *file, const char *name)
{
	struct raceless_release arg = { .size = sizeof(arg) };

	strscpy(arg.name, name, sizeof(arg.name));
	return device_ioctl(file, RACELESS_IOC_RELEASE, &arg, sizeof(arg));
}
