// SPDX-License-Identifier: GPL-2.0
/*
 * The fast path's sections: what tryget and put test, they test with preemption
 * off. A hardware breakpoint on the word tells where it is read.
 */
#include <linux/err.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <linux/preempt.h>

#include "selftest.h"

static struct subject subject;
static struct task_struct *reader;
static struct perf_event *__percpu *breakpoint;
static bool works; /* our own read, in no section, was seen as one */

/* Written in the exception, behind the compiler's back. */
static unsigned int reads;
static unsigned int depth; /* the least preempt count at a read */

/* In the exception after the access; it adds nothing to those bits. */
static void on_access(struct perf_event *event, struct perf_sample_data *data,
		      struct pt_regs *regs)
{
	unsigned int here = preempt_count() & PREEMPT_MASK;

	if (current != reader)
		return;
	WRITE_ONCE(reads, reads + 1);
	WRITE_ONCE(depth, min(depth, here));
}

static void forget(void)
{
	WRITE_ONCE(reads, 0);
	WRITE_ONCE(depth, PREEMPT_MASK);
}

static void watch(void *word, unsigned int length)
{
	struct perf_event_attr attr;

	hw_breakpoint_init(&attr);
	attr.bp_addr = (unsigned long)word;
	attr.bp_len = length;
	attr.bp_type = HW_BREAKPOINT_RW;
	reader = current;
	breakpoint = register_wide_hw_breakpoint(&attr, on_access, NULL);
	forget();
	(void)READ_ONCE(*(u8 *)word);
	works = READ_ONCE(reads) && !READ_ONCE(depth) &&
		IS_ENABLED(CONFIG_PREEMPT_COUNT);
	forget();
}

/* Was it read, and not outside a section? */
static const char *unwatch(void)
{
	if (!IS_ERR((void __force *)breakpoint))
		unregister_wide_hw_breakpoint(breakpoint);
	if (!works)
		return SKIP("needs a breakpoint that works, and a preempt count");
	EXPECT(READ_ONCE(reads) && READ_ONCE(depth));
	return NULL;
}

static const char *slot_in_section(void)
{
	struct raceless_provider *provider;
	const char *complaint;

	subject_prepare(&subject, "selftest_slot_read");
	EXPECT(!raceless_register(&subject.provider));
	watch(&subject.provider.slot->live, HW_BREAKPOINT_LEN_8);
	provider = raceless_tryget(subject.provider.slot);
	complaint = unwatch();
	EXPECT(provider == &subject.provider);
	raceless_put(provider);
	raceless_unregister(&subject.provider);
	return complaint;
}

static const char *mode_in_section(void)
{
	struct raceless_provider *provider;
	const char *complaint;

	subject_prepare(&subject, "selftest_mode_read");
	EXPECT(!raceless_register(&subject.provider));
	provider = raceless_tryget(subject.provider.slot);
	EXPECT(provider);
	watch(&provider->mode, HW_BREAKPOINT_LEN_4);
	raceless_put(provider);
	complaint = unwatch();
	raceless_unregister(&subject.provider);
	return complaint;
}

const struct test section_tests[] = {
	{ "slot_is_read_in_the_section", slot_in_section },
	{ "mode_is_read_in_the_section", mode_in_section },
	{},
};
