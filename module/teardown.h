/* SPDX-License-Identifier: GPL-2.0 */
/* The end of instances, from the mark to destroy. */
#ifndef _RACELESS_TEARDOWN_H
#define _RACELESS_TEARDOWN_H

#include "count.h"
#include "raceless.h"
#include "wait.h"

/* How long the parts of an unload took. */
struct raceless_teardown {
	u64 stop_ns;
	u64 grace_ns;
	u64 drain_ns;
	u64 destroy_ns;
};

/**
 * struct raceless_batch - instances that are torn down together, by one task.
 * @marked: provider->together: marked, and not yet stopped.
 * @draining: provider->together: each waits for its last put.
 * @drain: where these are awaited.
 * @since: when the last one drained, or began to; in jiffies.
 * @complaints: how often the log was told since then.
 * @grace_ns: how long the last grace period took.
 * @nr: how many were marked.
 * @op: whose ops they are.
 * @polite: the grace period is a normal one.
 * @unregisters: their names become vacant; else the providers are parked, or
 *	replaced.
 * @work: of a batch that a worker tears down.
 *
 * On that task's stack, or allocated for a worker.
 */
struct raceless_batch {
	struct list_head marked;
	struct list_head draining;
	struct raceless_drain drain;
	unsigned long since;
	unsigned int complaints;
	u64 grace_ns;
	unsigned int nr;
	enum raceless_op op;
	bool polite;
	bool unregisters;
	struct work_struct work;
};

extern bool raceless_polite; /* of what no ioctl asked for */

int raceless_teardowns_init(void);
void raceless_teardowns_exit(void);

void raceless_batch_init(struct raceless_batch *batch, enum raceless_op op,
			 bool polite, bool unregisters);
void raceless_batch_mark(struct raceless_batch *batch,
			 struct raceless_slot *slot);
void raceless_teardown(struct raceless_batch *batch);
bool raceless_teardown_for(struct raceless_batch *batch, unsigned long timeout);
void raceless_teardown_vacate(struct raceless_provider *provider);

/* For a worker. */
struct raceless_batch *raceless_batch_alloc(bool polite);
void raceless_batch_mark_name(struct raceless_batch *batch,
			      struct raceless_slot *slot);
void raceless_batch_queue(struct raceless_batch *batch);

int raceless_teardown_reserve(void);
void raceless_teardown_unreserve(void);
void raceless_teardown_mark(struct raceless_slot *slot);
void raceless_teardown_retire(struct raceless_beside *beside);

#endif /* _RACELESS_TEARDOWN_H */
