/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The selftest's tools: providers whose ops can be stopped at a gate, actors that
 * do one thing in a thread of their own, and news of what the registry does.
 *
 * Interleavings are made by waiting for news, never by sleeping: a step is known
 * to be reached because the op, or a tracepoint, said so.
 */
#ifndef _RACELESS_SELFTEST_H
#define _RACELESS_SELFTEST_H

#include <linux/completion.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "raceless.h"

/* The longest that a step may take before the test gives it up as hung. */
#define PATIENCE (20 * HZ)

/* Where an op of a test provider can be stopped. */
struct gate {
	bool closed;
	struct completion reached;
	struct completion opened;
};

void gate_close(struct gate *gate);
void gate_pass(struct gate *gate);
bool gate_reached(struct gate *gate);
void gate_open(struct gate *gate);

/* A provider under test. */
struct subject {
	struct raceless_provider provider;
	struct gate init, stop, destroy;
	int init_error; /* what init returns */
	int (*in_init)(struct subject *subject); /* run by init, if set */
	void (*in_stop)(struct subject *subject);
	void (*in_destroy)(struct subject *subject);
	struct raceless_provider *held; /* what keeps it in its drain */
	unsigned int inits, stops, destroys; /* begun */
	unsigned long init_order, destroyed_order; /* when: order_now() */
};

void subject_prepare(struct subject *subject, const char *name);

/* Where an unload can be made to stand. */
enum step { AT_STOP, AT_DRAIN, AT_DESTROY, AFTERWARDS };

bool subject_block(struct subject *subject, enum step step);
bool subject_stands(struct subject *subject, enum step step);
bool subject_drains(struct subject *subject);
void subject_proceed(struct subject *subject, enum step step);
unsigned long order_now(void);

/* One call, in a thread of its own. */
struct actor {
	struct task_struct *task;
	struct completion done;
	long (*act)(struct actor *actor);
	long result;
	struct raceless_slot *slot;
	struct raceless_provider *provider; /* to act on, or what was got */
	unsigned long timeout;
	struct file *file;
	struct mm_struct *mm; /* of the test, for ioctls */
	u32 flags;
	struct subject *subject;
	struct raceless_provider **providers; /* or many of them, */
	struct raceless_unload_entry *entries; /* or many names */
	unsigned int nr;
};

bool actor_start(struct actor *actor, long (*act)(struct actor *actor));
bool actor_done(struct actor *actor);
bool actor_running(struct actor *actor);
void actor_kill(struct actor *actor);

long act_get(struct actor *actor);
long act_register(struct actor *actor);
long act_unregister(struct actor *actor);
long act_unregister_all(struct actor *actor);
long act_unload(struct actor *actor);
long act_unload_many(struct actor *actor);

/* News: the registry's tracepoints, for one name at a time. */
void news_expect(const char *name);
bool news_joined(unsigned int nr);
bool news_state(enum raceless_state state);
unsigned int news_grace_periods(void);
unsigned int news_grace_instances(void);
bool news_watch_pin(struct raceless_slot *slot);
bool news_pin_put_in_time(void);
int news_init(void);
void news_exit(void);

/* /dev/raceless, as user space sees it. */
struct file *device_open(void);
bool device_close(struct file *file);
long device_unload(struct file *file, const char *name, u32 flags,
		   unsigned long timeout);
long device_unload_many(struct file *file,
			struct raceless_unload_entry *entries, unsigned int nr,
			u32 flags, unsigned long timeout);
long device_release(struct file *file, const char *name);

struct test {
	const char *name;
	/* NULL: passed; SKIP("why"): cannot be run here; else what went wrong */
	const char *(*run)(void);
};

#define SKIP_MARK "SKIP "
#define SKIP(why) (SKIP_MARK why)

/* A test ends with the first thing that is not as promised. */
#define EXPECT(condition)                                                      \
	do {                                                                   \
		if (!(condition))                                              \
			return __FILE_NAME__ ": expected " #condition;         \
	} while (0)

#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif

extern const struct test count_tests[], section_tests[], drain_tests[],
	lifecycle_tests[], succession_tests[], wait_tests[], flight_tests[],
	hold_tests[], batch_tests[], request_tests[], replace_tests[],
	contention_tests[], misuse_tests[], memory_tests[],
	superseded_tests[], worker_tests[];

#endif /* _RACELESS_SELFTEST_H */
