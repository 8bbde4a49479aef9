/* SPDX-License-Identifier: GPL-2.0 */
/* What the registry counts and measures; shown by /proc/raceless. */
#ifndef _RACELESS_STATS_H
#define _RACELESS_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>

#include "uapi/histogram.h"
#include "uapi/raceless.h"

struct seq_file;

/* Events, counted per CPU: exact, and no line is shared. */
enum raceless_count {
	COUNT_GETS, /* references that descriptors were given */
	COUNT_PUTS, /* references that descriptors gave back */
	COUNT_CALLS,
	COUNT_CALLS_BY_NAME,
	COUNT_PUBLISHES,
	COUNT_HANDED_OFF,
	COUNT_INIT_FAILURES,
	COUNT_UNLOADS,
	COUNT_REPLACEMENTS, /* side by side */
	COUNT_REPLACE_FAILURES,
	COUNT_FLIGHTS,
	COUNT_FLIGHTS_IN_PLACE,
	COUNT_FLIGHT_ERRORS,
	COUNT_MODPROBES,
	COUNT_MODPROBE_RETRIES,
	COUNT_WAITS,
	COUNT_DOZES, /* short sleeps of gets for a module that may be going */
	COUNT_DESCRIPTORS_OPENED,
	COUNT_DESCRIPTORS_CLOSED,
	NR_COUNTS,
};

/* Latencies of the slow paths, in ns. */
enum raceless_latency {
	LATENCY_INIT,
	LATENCY_STOP,
	LATENCY_GRACE,
	LATENCY_DRAIN,
	LATENCY_DESTROY,
	LATENCY_WAIT,
	LATENCY_FLIGHT,
	NR_LATENCIES,
};

struct raceless_counts {
	u64 events[NR_COUNTS];
	u64 transitions[RACELESS_DESTROYING + 1];
	u64 get_failures[RACELESS_NR_REASONS];
	u64 broken[RACELESS_NR_PROMISES];
};

DECLARE_PER_CPU(struct raceless_counts, raceless_counts);

static inline void raceless_count(enum raceless_count event)
{
	this_cpu_inc(raceless_counts.events[event]);
}

/* Why a get failed before anybody could be asked, by its error. */
static inline enum raceless_reason raceless_reason_refused(int error)
{
	return error == -ENOMEM ? RACELESS_REASON_MEMORY : RACELESS_REASON_LIMIT;
}

void raceless_record(enum raceless_latency latency, u64 ns);
void raceless_get_failed(const char *name, enum raceless_reason reason,
			 int error);
void raceless_broken(const char *name, u64 instance,
		     enum raceless_promise promise);
void raceless_stats_show(struct seq_file *seq);
void raceless_stats_exit(void);

#endif /* _RACELESS_STATS_H */
