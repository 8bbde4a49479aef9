// SPDX-License-Identifier: GPL-2.0
/*
 * asker: has a kernel thread look for the file system of raceless_gated, for tests
 * of the gate alone. Writing to `ask` returns when the thread has its answer.
 */
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/module.h>

struct question {
	struct completion answered;
	bool found;
};

static int ask(void *data)
{
	struct question *question = data;
	struct file_system_type *type = get_fs_type("raceless_gated");

	question->found = type;
	if (type)
		module_put(type->owner);
	/* its text is ours: it ends in the kernel's */
	kthread_complete_and_exit(&question->answered, 0);
}

/* ENODEV where a mount would say so. */
static int set_ask(const char *value, const struct kernel_param *param)
{
	struct question question = {
		.answered = COMPLETION_INITIALIZER_ONSTACK(question.answered),
	};
	struct task_struct *thread = kthread_run(ask, &question, "asker");

	if (IS_ERR(thread))
		return PTR_ERR(thread);
	wait_for_completion(&question.answered);
	return question.found ? 0 : -ENODEV;
}

static const struct kernel_param_ops ask_ops = { .set = set_ask };
module_param_cb(ask, &ask_ops, NULL, 0200);
MODULE_PARM_DESC(ask, "written: a kernel thread asks for the file system");

static int __init asker_init(void)
{
	return 0;
}

static void __exit asker_exit(void)
{
}

module_init(asker_init);
module_exit(asker_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("kernel thread that asks for a file system");
