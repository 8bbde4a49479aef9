// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is not to be had. The kernel can make its slab allocator fail, but
 * not the per-CPU one, of which an instance's count is: so a probe takes from the
 * caller what that has returned.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/sched.h>

#include "selftest.h"

static struct subject subject, successor;
static struct kretprobe probe;
static struct task_struct *deprived; /* the one whose next allocation fails */
static void __percpu *taken; /* from it; the probe's context is none to free it in */

static int on_begin(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	return current != READ_ONCE(deprived); /* its end is of no interest then */
}

static int on_end(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	WRITE_ONCE(deprived, NULL);
	taken = (void __force __percpu *)regs_return_value(regs);
	regs_set_return_value(regs, 0);
	return 0;
}

/* What allocates: until 6.9 the function that callers name, since then the one in it. */
static int watch(void)
{
	static const char *const functions[] = {
		"pcpu_alloc_noprof",
		"__alloc_percpu_gfp",
	};
	int err = -ENOENT;
	int i;

	for (i = 0; err && i < ARRAY_SIZE(functions); i++) {
		probe = (struct kretprobe){
			.kp.symbol_name = functions[i],
			.entry_handler = on_begin,
			.handler = on_end,
		};
		err = register_kretprobe(&probe);
	}
	return err;
}

/* Registers while there is no per-CPU memory. Return: what that does, or EPROTO. */
static int register_deprived(struct subject *newcomer)
{
	bool asked;
	int err;

	err = watch();
	if (err)
		return err;
	taken = NULL;
	WRITE_ONCE(deprived, current);
	err = raceless_register(&newcomer->provider);
	asked = !READ_ONCE(deprived);
	WRITE_ONCE(deprived, NULL);
	unregister_kretprobe(&probe);
	free_percpu(taken);
	return asked ? err : -EPROTO;
}

static const char *count(void)
{
	struct raceless_slot *slot;

	subject_prepare(&subject, "selftest_memory");
	slot = raceless_slot_get("selftest_memory");
	EXPECT(!IS_ERR(slot));
	EXPECT(register_deprived(&subject) == -ENOMEM);
	EXPECT(!subject.inits && !subject.provider.slot);
	EXPECT(!slot->provider && slot->state == RACELESS_GONE);
	EXPECT(refcount_read(&slot->refs) == 1); /* ours */
	EXPECT(!raceless_register(&subject.provider));
	raceless_unregister(&subject.provider);
	EXPECT(subject.inits == 1 && subject.destroys == 1);
	raceless_slot_put(slot);
	return NULL;
}

/* Who was to be replaced stays, and can be replaced when there is memory. */
static const char *count_beside(void)
{
	struct raceless_slot *slot;

	subject_prepare(&subject, "selftest_memory_beside");
	EXPECT(!raceless_register(&subject.provider));
	slot = subject.provider.slot;
	subject_prepare(&successor, "selftest_memory_beside");
	successor.provider.replace = true;
	EXPECT(register_deprived(&successor) == -ENOMEM);
	EXPECT(!successor.inits && !slot->beside);
	EXPECT(refcount_read(&slot->refs) == 1); /* the subject's */
	EXPECT(raceless_tryget(slot) == &subject.provider);
	raceless_put(&subject.provider);
	EXPECT(!raceless_register(&successor.provider));
	EXPECT(raceless_tryget(slot) == &successor.provider);
	raceless_put(&successor.provider);
	raceless_unregister(&subject.provider);
	EXPECT(subject.destroys == 1);
	raceless_unregister(&successor.provider);
	EXPECT(successor.destroys == 1);
	return NULL;
}

const struct test memory_tests[] = {
	{ "no_memory_for_a_count", count },
	{ "no_memory_for_a_count_beside", count_beside },
	{},
};
