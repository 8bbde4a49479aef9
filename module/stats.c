// SPDX-License-Identifier: GPL-2.0
/* Counters and histograms. */
#include <linux/cpumask.h>
#include <linux/ratelimit.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>

#include "raceless.h"
#include "stats.h"
#include "trace.h"

DEFINE_PER_CPU(struct raceless_counts, raceless_counts);

static struct raceless_hist latencies[NR_LATENCIES];
static DEFINE_SPINLOCK(latencies_lock); /* slow paths only */

static const char *const count_names[NR_COUNTS] = {
	[COUNT_GETS] = "gets",
	[COUNT_PUTS] = "puts",
	[COUNT_CALLS] = "calls",
	[COUNT_CALLS_BY_NAME] = "calls_by_name",
	[COUNT_PUBLISHES] = "publishes",
	[COUNT_HANDED_OFF] = "handed_off",
	[COUNT_INIT_FAILURES] = "init_failures",
	[COUNT_UNLOADS] = "unloads",
	[COUNT_REPLACEMENTS] = "replacements",
	[COUNT_REPLACE_FAILURES] = "replace_failures",
	[COUNT_FLIGHTS] = "flights",
	[COUNT_FLIGHTS_IN_PLACE] = "flights_in_place",
	[COUNT_FLIGHT_ERRORS] = "flight_errors",
	[COUNT_MODPROBES] = "modprobes",
	[COUNT_MODPROBE_RETRIES] = "modprobe_retries",
	[COUNT_WAITS] = "waits",
	[COUNT_DOZES] = "dozes",
	[COUNT_DESCRIPTORS_OPENED] = "descriptors_opened",
	[COUNT_DESCRIPTORS_CLOSED] = "descriptors_closed",
};

static const char *const state_names[] = {
	[RACELESS_GONE] = "gone",
	[RACELESS_LOADING] = "loading",
	[RACELESS_LIVE] = "live",
	[RACELESS_STOPPING] = "stopping",
	[RACELESS_DRAINING] = "draining",
	[RACELESS_DESTROYING] = "destroying",
};

static const char *const reason_names[RACELESS_NR_REASONS] = {
	[RACELESS_REASON_ABSENT] = "absent",
	[RACELESS_REASON_UNLOADING] = "unloading",
	[RACELESS_REASON_FLIGHT] = "flight",
	[RACELESS_REASON_TIMEOUT] = "timeout",
	[RACELESS_REASON_KILLED] = "killed",
	[RACELESS_REASON_DEADLOCK] = "deadlock",
	[RACELESS_REASON_LIMIT] = "limit",
	[RACELESS_REASON_MEMORY] = "memory",
};

static const char *const latency_names[NR_LATENCIES] = {
	[LATENCY_INIT] = "init_ns",
	[LATENCY_STOP] = "stop_ns",
	[LATENCY_GRACE] = "grace_ns",
	[LATENCY_DRAIN] = "drain_ns",
	[LATENCY_DESTROY] = "destroy_ns",
	[LATENCY_WAIT] = "wait_ns",
	[LATENCY_FLIGHT] = "flight_ns",
};

/* Any process context. */
void raceless_record(enum raceless_latency latency, u64 ns)
{
	struct raceless_hist *hist = &latencies[latency];

	spin_lock(&latencies_lock);
	hist->count++;
	hist->sum += ns;
	hist->max = max(hist->max, ns);
	hist->buckets[raceless_hist_bucket(ns)]++;
	spin_unlock(&latencies_lock);
}

/* Any context but NMI: a tryget may fail anywhere. */
void raceless_get_failed(const char *name, enum raceless_reason reason,
			 int error)
{
	this_cpu_inc(raceless_counts.get_failures[reason]);
	trace_raceless_get_fail(name, reason, error);
}

/* Any context but NMI. */
void raceless_broken(const char *name, u64 instance,
		     enum raceless_promise promise)
{
	this_cpu_inc(raceless_counts.broken[promise]);
	trace_raceless_broken(name, instance, promise);
	pr_err_ratelimited("raceless: %s: instance %llu broke promise %d\n",
			   name, instance, promise);
}

/**
 * raceless_report_broken() - a provider saw that a promise was broken.
 * @provider: whose.
 * @promise: which.
 *
 * Counted in /proc/raceless, traced and logged. For canaries: a provider whose
 * code runs after its destroy began knows it best.
 *
 * Context: any but NMI.
 */
void raceless_report_broken(struct raceless_provider *provider,
			    enum raceless_promise promise)
{
	raceless_broken(provider->name, provider->instance, promise);
}
EXPORT_SYMBOL_GPL(raceless_report_broken);

static void show_histograms(struct seq_file *seq)
{
	struct raceless_hist *hist;
	unsigned int i, bucket;

	for (i = 0; i < NR_LATENCIES; i++) {
		hist = &latencies[i];
		spin_lock(&latencies_lock);
		seq_printf(seq, "# histogram %s count=%llu sum=%llu max=%llu",
			   latency_names[i], hist->count, hist->sum, hist->max);
		for (bucket = 0; bucket < RACELESS_HIST_BUCKETS; bucket++)
			if (hist->buckets[bucket])
				seq_printf(seq, " %llu:%llu",
					   raceless_hist_lower(bucket),
					   hist->buckets[bucket]);
		spin_unlock(&latencies_lock);
		seq_putc(seq, '\n');
	}
}

/* Exact once nothing counts any more. */
static void sum_over_cpus(struct raceless_counts *sum)
{
	const size_t nr = sizeof(*sum) / sizeof(u64);
	unsigned int i;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu)
		for (i = 0; i < nr; i++)
			((u64 *)sum)[i] +=
				((u64 *)per_cpu_ptr(&raceless_counts, cpu))[i];
}

typedef void (*tell_fn)(struct seq_file *seq, const char *key, u64 value);

static void tell_totals(tell_fn tell, struct seq_file *seq)
{
	struct raceless_counts sum;
	unsigned int i;
	char key[40];

	sum_over_cpus(&sum);
	for (i = 0; i < NR_COUNTS; i++)
		tell(seq, count_names[i], sum.events[i]);
	for (i = 0; i < ARRAY_SIZE(state_names); i++) {
		snprintf(key, sizeof(key), "to_%s", state_names[i]);
		tell(seq, key, sum.transitions[i]);
	}
	for (i = RACELESS_REASON_ABSENT; i < RACELESS_NR_REASONS; i++) {
		snprintf(key, sizeof(key), "get_failures_%s", reason_names[i]);
		tell(seq, key, sum.get_failures[i]);
	}
	for (i = 1; i < RACELESS_NR_PROMISES; i++) {
		snprintf(key, sizeof(key), "broken_%u", i);
		tell(seq, key, sum.broken[i]);
	}
}

static void show_total(struct seq_file *seq, const char *key, u64 value)
{
	seq_printf(seq, "# total %s %llu\n", key, value);
}

void raceless_stats_show(struct seq_file *seq)
{
	tell_totals(show_total, seq);
	show_histograms(seq);
}

static void trace_total(struct seq_file *unused, const char *key, u64 value)
{
	trace_raceless_total(key, value);
}

static void trace_part(enum raceless_latency latency, const char *part,
		       u64 value)
{
	char key[40];

	snprintf(key, sizeof(key), "%s_%s", latency_names[latency], part);
	trace_raceless_total(key, value);
}

/*
 * What /proc/raceless would say now, for whoever compares: the file is gone, and
 * so are the numbers in a moment. After everything else, so that they are final.
 */
void raceless_stats_exit(void)
{
	unsigned int i;

	tell_totals(trace_total, NULL);
	for (i = 0; i < NR_LATENCIES; i++) {
		trace_part(i, "count", latencies[i].count);
		trace_part(i, "sum", latencies[i].sum);
		trace_part(i, "max", latencies[i].max);
	}
}
