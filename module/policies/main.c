// SPDX-License-Identifier: GPL-2.0
/* raceless_policies.ko: /dev/raceless_policies, to compare lifecycle policies. */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "policy.h"
#include "uapi/policies.h"

static const struct policy *const policies[] = {
	&three_point_policy,
	&four_point_policy,
	&legacy_policy,
	&try_module_get_policy,
};

static size_t list(char *text, size_t size, char separator)
{
	size_t length = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(policies); i++)
		length += scnprintf(text + length, size - length, "%s%c",
				    policies[i]->name, separator);
	return length;
}

static const struct policy *find(const char *name)
{
	char names[128];
	int i;

	for (i = 0; i < ARRAY_SIZE(policies); i++)
		if (!strcmp(policies[i]->name, name))
			return policies[i];
	list(names, sizeof(names), ' ');
	pr_notice_ratelimited("raceless_policies: there is no policy '%s'; there are: %s\n",
			      name, names);
	return NULL;
}

static long use(const struct policy *policy, struct raceless_policy_use *arg)
{
	struct resource_body *body;
	u64 began_ns;
	int err;

	if (arg->size != sizeof(*arg) ||
	    arg->calls > RACELESS_POLICY_MAX_CALLS ||
	    arg->hold_ns > RACELESS_POLICY_MAX_HOLD_NS)
		return -EINVAL;
	began_ns = ktime_get_ns();
	body = policy->get();
	arg->get_ns = ktime_get_ns() - began_ns;
	if (IS_ERR(body))
		return PTR_ERR(body);
	err = body_use(body, arg->calls, arg->hold_ns);
	policy->put(body);
	return err;
}

static long tell(const struct policy *policy,
		 struct raceless_policy_counts *arg)
{
	struct policy_counts *counts = policy->counts;

	*arg = (struct raceless_policy_counts){
		.size = sizeof(*arg),
		.instances = atomic64_read(&counts->instances),
		.revivals = atomic64_read(&counts->revivals),
		.lost_races = atomic64_read(&counts->lost_races),
		.contended = atomic64_read(&counts->contended),
		.contended_ns = atomic64_read(&counts->contended_ns),
		.broken = atomic64_read(&counts->broken),
	};
	return 0;
}

union argument {
	struct raceless_policy_use use;
	struct raceless_policy_counts counts;
};

static long run(const struct policy *policy, unsigned int command,
		union argument *arg)
{
	switch (command) {
	case RACELESS_POLICY_IOC_USE:
		return use(policy, &arg->use);
	case RACELESS_POLICY_IOC_COUNTS:
		return tell(policy, &arg->counts);
	case RACELESS_POLICY_IOC_LOAD:
		return policy->load();
	case RACELESS_POLICY_IOC_UNLOAD:
		return policy->unload();
	default:
		return -ENOTTY;
	}
}

static long policies_ioctl(struct file *file, unsigned int command,
			   unsigned long user)
{
	void __user *address = (void __user *)user;
	const struct policy *policy = READ_ONCE(file->private_data);
	size_t size = _IOC_SIZE(command);
	union argument arg = {};
	long err;

	if (size > sizeof(arg))
		return -ENOTTY;
	if (_IOC_DIR(command) & _IOC_WRITE &&
	    copy_from_user(&arg, address, size))
		return -EFAULT;
	if (!policy)
		return -ENODATA; /* none was chosen */
	err = run(policy, command, &arg);
	if (_IOC_DIR(command) & _IOC_READ && copy_to_user(address, &arg, size))
		err = -EFAULT;
	return err;
}

/* A misc device finds itself here, where the policy is to be. */
static int policies_open(struct inode *inode, struct file *file)
{
	file->private_data = NULL;
	return 0;
}

static ssize_t policies_read(struct file *file, char __user *buffer,
			     size_t size, loff_t *position)
{
	char text[128];
	size_t length = list(text, sizeof(text), '\n');

	return simple_read_from_buffer(buffer, size, position, text, length);
}

/* A name, perhaps with a newline, chooses the policy, once: ioctls may be using it. */
static ssize_t policies_write(struct file *file, const char __user *buffer,
			      size_t size, loff_t *position)
{
	char name[RACELESS_POLICY_NAME_SIZE] = {};
	const struct policy *policy;

	if (size >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, buffer, size))
		return -EFAULT;
	policy = find(strim(name));
	if (!policy)
		return -ENOENT;
	if (cmpxchg(&file->private_data, NULL, (void *)policy))
		return -EBUSY;
	return size;
}

static const struct file_operations policies_fops = {
	.owner = THIS_MODULE,
	.open = policies_open,
	.read = policies_read,
	.write = policies_write,
	.unlocked_ioctl = policies_ioctl,
	.llseek = default_llseek,
};

static struct miscdevice policies_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "raceless_policies",
	.mode = 0600,
	.fops = &policies_fops,
};

/* Of the first @nr policies. Nobody uses them any more. */
static void end(unsigned int nr)
{
	while (nr--) {
		policies[nr]->unload();
		if (policies[nr]->exit)
			policies[nr]->exit();
	}
}

static int __init policies_init(void)
{
	unsigned int nr;
	int err = 0;

	for (nr = 0; nr < ARRAY_SIZE(policies); nr++) {
		if (policies[nr]->init)
			err = policies[nr]->init();
		if (err)
			goto err_end;
	}
	err = misc_register(&policies_device);
	if (err)
		goto err_end;
	return 0;

err_end:
	end(nr);
	return err;
}

static void __exit policies_exit(void)
{
	misc_deregister(&policies_device);
	end(ARRAY_SIZE(policies));
}

module_init(policies_init);
module_exit(policies_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Lifecycle policies side by side");
